/**
 * What came live while an answer was under way. The answer may have been given before that, so it
 * is done to the answer once more when it is there.
 */

import type { Query, QueryClient, QueryKey } from '@tanstack/react-query'

type Act = () => void

const owed = new WeakMap<Query, Map<string, Act>>()

/** Whether an answer to the query is under way. */
export function isUnderWay(query: Query): boolean {
  return query.state.fetchStatus === 'fetching'
}

/** Does `act` when the answer that is under way is there; the last one under a name counts. */
export function onceThere(query: Query, name: string, act: Act): void {
  const acts = owed.get(query) ?? new Map<string, Act>()
  acts.delete(name)
  owed.set(query, acts.set(name, act))
}

/** Does what is owed to each answer that comes, until the function that it returns is called. */
export function payWhatIsOwed(client: QueryClient): () => void {
  return client.getQueryCache().subscribe((event) => {
    if (event.type !== 'updated') return
    const { type } = event.action
    if (type !== 'error' && (type !== 'success' || event.action.manual === true)) return
    const acts = owed.get(event.query)
    owed.delete(event.query)
    for (const act of acts?.values() ?? []) act()
  })
}

/**
 * Has the answers under a key read anew. A first answer that is under way is not given up for
 * that, but read once more.
 */
export function readAnew(client: QueryClient, queryKey: QueryKey, exact = false): void {
  for (const query of client.getQueryCache().findAll({ queryKey, exact })) {
    if (!isUnderWay(query) || query.state.data !== undefined) continue
    const again = { queryKey: query.queryKey, exact: true }
    onceThere(query, '', () => void client.invalidateQueries(again))
  }
  void client.invalidateQueries({ queryKey, exact })
}
