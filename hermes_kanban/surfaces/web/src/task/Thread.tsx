import { useMemo, useState } from 'react'
import type { Comment, Event } from '@/api/types'
import { useBoard } from '@/app/board'
import { Avatar, isPerson, plainName } from '@/kit/Avatar'
import { Button } from '@/kit/Button'
import { Markdown } from '@/kit/Markdown'
import { Segments } from '@/kit/Segments'
import { absolute, clockTime } from '@/kit/time'
import { Composer } from './Composer'
import { useTask } from './context'
import { useEvents } from './data'
import { EventIcon } from './EventIcon'
import { Events } from './Events'
import { actorName, sentenceOfEvent } from './eventWords'
import { Mentions } from './Mentions'
import { Section } from './Section'
import { threadOf } from './thread'

const SHOWN_FIRST = 60

/** What was said and done, with the field to say something; or every event with its changes. */
export function Thread() {
  const { id, detail, may } = useTask()
  const [what, setWhat] = useState<'thread' | 'events'>('thread')
  return (
    <Section
      title={what === 'thread' ? 'Thread' : 'Events'}
      count={what === 'thread' ? detail.comments.length || undefined : undefined}
      id="task-thread"
      tools={
        <Segments
          label="What is told"
          value={what}
          options={[
            { value: 'thread', label: 'Thread' },
            { value: 'events', label: 'Events' },
          ]}
          onChange={setWhat}
        />
      }
    >
      {what === 'thread' ? <Said /> : <Events />}
      {may('comment') && <Composer key={id} />}
    </Section>
  )
}

function Said() {
  const { id, detail, profiles } = useTask()
  const past = useEvents(id)
  const items = useMemo(
    () => threadOf(detail.comments, past.data?.events ?? []),
    [detail.comments, past.data],
  )
  const [all, setAll] = useState(false)
  const hidden = all ? 0 : Math.max(0, items.length - SHOWN_FIRST)
  return (
    <>
      {hidden > 0 && (
        <Button look="quiet" small onClick={() => setAll(true)}>
          Show {hidden} earlier
        </Button>
      )}
      <ol className="task-thread">
        {items
          .slice(hidden)
          .map((item) =>
            item.kind === 'comment' ? (
              <CommentRow key={`c${item.comment.id}`} comment={item.comment} />
            ) : (
              <EventRow
                key={`e${item.event.id}`}
                event={item.event}
                by={actorName(item.event, profiles)}
              />
            ),
          )}
      </ol>
    </>
  )
}

function CommentRow({ comment }: { comment: Comment }) {
  const { slug } = useBoard()
  const { profiles } = useTask()
  const ofRun = comment.run_id === null ? undefined : profiles.get(comment.run_id)
  const author = ofRun ?? comment.author
  const isAgent = ofRun !== undefined || !isPerson(comment.author)
  return (
    <li className="task-comment" data-agent={isAgent || undefined}>
      <Avatar name={author} large />
      <div className="task-comment-said">
        <p className="task-comment-head">
          <b>{plainName(author)}</b>
          {isAgent && <span className="task-tag">agent</span>}
          <time
            className="dim"
            dateTime={new Date(comment.created_at * 1_000).toISOString()}
            title={absolute(comment.created_at)}
          >
            {clockTime(comment.created_at)}
          </time>
          {comment.run_id !== null && <span className="dim">run {comment.run_id}</span>}
        </p>
        <Markdown text={comment.body} board={slug} />
      </div>
    </li>
  )
}

function EventRow({ event, by }: { event: Event; by: string }) {
  return (
    <li className="task-happened">
      <EventIcon kind={event.kind} />
      <span>
        <Mentions text={sentenceOfEvent(event, by)} />
        {' · '}
        <time title={absolute(event.created_at)}>{clockTime(event.created_at)}</time>
      </span>
    </li>
  )
}
