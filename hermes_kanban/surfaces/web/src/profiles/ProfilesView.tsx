import { Link } from 'wouter'
import { sentenceOf } from '@/api/problem'
import { type ProfileView, STATUSES, type Status, type Trends } from '@/api/types'
import { useBoard } from '@/app/board'
import { placeOf } from '@/app/places'
import { useAssignees, useProfiles, useTrends } from '@/app/reads'
import { Age } from '@/kit/Age'
import { Avatar } from '@/kit/Avatar'
import { Empty } from '@/kit/Empty'
import { count, dollars, tokens } from '@/kit/numbers'
import { StatusIcon } from '@/kit/StatusIcon'
import './profiles.css'

const TREND_DAYS = 7

type Trend = Trends['profiles'][number]

/** Who tasks may be given to: how each is started, what it has to do, and how it did. */
export default function ProfilesView() {
  const profiles = useProfiles()
  const assignees = useAssignees()
  const trends = useTrends(TREND_DAYS)
  const all = profiles.data?.profiles ?? []
  const strangers =
    assignees.data?.assignees.filter((one) => one.assignee !== null && !one.profile) ?? []
  const isEmpty = profiles.data !== undefined && all.length === 0 && strangers.length === 0
  return (
    <div className="page">
      <div className="sheet wide-sheet">
        <div className="page-head">
          <h1>Profiles</h1>
          <span className="dim">
            {all.length > 0 && all.length}
            {all.length > 0 && trends.data !== undefined && (
              <>
                , runs of {TREND_DAYS} days, read <Age at={trends.data.end} /> ago
              </>
            )}
          </span>
        </div>
        {isEmpty && (
          <Empty title="No profiles yet" command="hermes-kanban doctor">
            <p>
              A profile says how an agent is started. Name one under <code>profiles:</code> in
              config.yaml; the command says whether it works.
            </p>
          </Empty>
        )}
        {profiles.error !== null && <p role="alert">{sentenceOf(profiles.error)}</p>}
        <ul className="profiles">
          {all.map((one) => (
            <Profile
              key={one.name}
              profile={one}
              tasks={assignees.data?.assignees.find((found) => found.assignee === one.name)?.tasks}
              trend={trends.data?.profiles.find((found) => found.profile === one.name)}
            />
          ))}
          {strangers.map((one) => (
            <li key={one.assignee} className="profile">
              <header>
                <Avatar name={one.assignee ?? ''} large />
                <h2>{one.assignee}</h2>
                <span className="badge blocked">no profile</span>
              </header>
              <p>Tasks are given to it, and the configuration has no such profile.</p>
              <Open name={one.assignee ?? ''} tasks={one.tasks} />
            </li>
          ))}
        </ul>
      </div>
    </div>
  )
}

function Profile(props: {
  profile: ProfileView
  tasks: Record<string, number> | undefined
  trend: Trend | undefined
}) {
  const { profile, tasks = {}, trend } = props
  const running = tasks.running ?? 0
  const cap = profile.max_in_progress
  return (
    <li className="profile">
      <header>
        <Avatar name={profile.name} large />
        <h2>{profile.name}</h2>
        {profile.orchestrator && <span className="badge review">orchestrator</span>}
        <span className="grow" />
        <span className="dim">
          {running}
          {cap === null ? ' running' : ` of ${cap} running`}
        </span>
      </header>
      {profile.description !== '' && <p>{profile.description}</p>}
      <Open name={profile.name} tasks={tasks} />
      <dl className="profile-facts">
        <div>
          <dt>Runs</dt>
          <dd>{count(trend?.runs ?? 0)}</dd>
        </div>
        <div>
          <dt>Failed</dt>
          <dd>
            {trend !== undefined && trend.failures > 0 ? (
              <span className="st blocked">{count(trend.failures)}</span>
            ) : (
              0
            )}
          </dd>
        </div>
        <div>
          <dt>Cost</dt>
          <dd>{trend?.cost_usd == null ? '–' : dollars(trend.cost_usd)}</dd>
        </div>
        <div>
          <dt>Tokens</dt>
          <dd>{trend?.tokens == null ? '–' : tokens(trend.tokens)}</dd>
        </div>
      </dl>
      <dl className="profile-more">
        {moreOf(profile).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </li>
  )
}

/** Open tasks by status, as a way to the board that shows them. */
function Open({ name, tasks }: { name: string; tasks: Record<string, number> }) {
  const { slug } = useBoard()
  const open = STATUSES.filter((one) => (tasks[one] ?? 0) > 0)
  return (
    <Link
      className="profile-open"
      href={`~${placeOf(slug)}?${new URLSearchParams({ assignee: name })}`}
    >
      {open.length === 0 && <span className="dim">Nothing open</span>}
      {open.map((one: Status) => (
        <span key={one} title={one}>
          <StatusIcon status={one} />
          {tasks[one]}
          <span className="hidden-words"> {one}</span>
        </span>
      ))}
      <span className="go">
        Board<span className="hidden-words"> of {name}</span>
      </span>
    </Link>
  )
}

function moreOf(profile: ProfileView): [string, string][] {
  const resources = Object.entries(profile.resources).map(([name, of]) => `${name} ${of}`)
  const found: [string, string | null][] = [
    ['Runtime', profile.runtime],
    ['Model', profile.model],
    ['Provider', profile.provider],
    ['Skills', profile.skills.join(', ')],
    ['Tools', profile.tools.join(', ')],
    ['May assign', profile.may_assign.join(', ')],
    ['Resources', resources.join(', ')],
    ['Hosts', profile.hosts.join(', ')],
    ['Requires', profile.requires.join(', ')],
    ['Variables', profile.env.join(', ')],
    [
      'At most',
      profile.max_runtime_seconds === null ? '' : `${profile.max_runtime_seconds} s a run`,
    ],
    ['Exit 0', profile.exit_zero === 'complete' ? 'is done' : 'without a word is a failure'],
    ['Resumes', profile.resume ? 'its session' : ''],
  ]
  return found.filter((one): one is [string, string] => Boolean(one[1]))
}
