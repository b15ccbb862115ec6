/** One of a few, side by side. */
export function Segments<T extends string>(props: {
  label: string
  value: T
  options: readonly { value: T; label: string }[]
  onChange: (value: T) => void
}) {
  return (
    <fieldset className="segments" aria-label={props.label} style={{ margin: 0 }}>
      {props.options.map((one) => (
        <button
          key={one.value}
          type="button"
          aria-pressed={one.value === props.value}
          onClick={() => props.onChange(one.value)}
        >
          {one.label}
        </button>
      ))}
    </fieldset>
  )
}
