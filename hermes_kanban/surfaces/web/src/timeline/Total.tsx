/** A figure with its name over it; what it means is its title. */
export function Total(props: { name: string; value: string; note?: string; title?: string }) {
  return (
    <div title={props.title}>
      <dt>{props.name}</dt>
      <dd>
        <b>{props.value}</b> {props.note}
      </dd>
    </div>
  )
}

/** Why no tokens are spent while nothing runs. */
export const IDLE =
  'A model is only asked in a run, and a run is only started for a task that is ready. Waiting is' +
  ' done by the gateway, which asks no model: while nothing runs, nothing is spent.'
