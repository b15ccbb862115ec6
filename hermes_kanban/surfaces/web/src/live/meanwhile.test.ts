import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QueryClient, type QueryKey } from '@tanstack/react-query'
import { isUnderWay, onceThere, payWhatIsOwed, readAnew } from './meanwhile.ts'

const KEY: QueryKey = ['list']

/** A client with a query whose answers are given by hand, one after the other. */
function asking() {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, gcTime: 0 } } })
  const answers: ((value: string) => void)[] = []
  const queryFn = () => new Promise<string>((resolve) => answers.push(resolve))
  const first = client.fetchQuery({ queryKey: KEY, queryFn })
  const query = client.getQueryCache().find({ queryKey: KEY })
  assert.ok(query)
  return { client, answers, first, query, end: payWhatIsOwed(client) }
}

test('what came meanwhile is done once to the answer, the last under a name', async () => {
  const { client, answers, first, query, end } = asking()
  assert.ok(isUnderWay(query))
  const done: string[] = []
  onceThere(query, 'a', () => done.push('old a'))
  onceThere(query, 'b', () => done.push(`b on ${client.getQueryData(KEY)}`))
  onceThere(query, 'a', () => done.push('a'))
  client.setQueryData(KEY, 'by hand')
  assert.deepEqual(done, [])
  answers[0]?.('answer')
  await first
  assert.deepEqual(done, ['b on answer', 'a'])
  client.setQueryData(KEY, 'later')
  assert.equal(done.length, 2)
  end()
})

test('a first answer that is under way is read once more', async () => {
  const { client, answers, first, query, end } = asking()
  readAnew(client, KEY)
  assert.equal(answers.length, 1)
  answers[0]?.('old')
  await first
  assert.ok(query.state.isInvalidated)
  end()
})
