import type { Status } from '@/api/types'

/** The shape of a status, in its colour; shape tells, colour repeats. */
export function StatusIcon({ status, size = 14 }: { status: Status; size?: number }) {
  return (
    <svg
      className={`i st ${status}`}
      viewBox="0 0 16 16"
      width={size}
      height={size}
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {SHAPES[status]}
    </svg>
  )
}

const cut = { stroke: 'var(--surface)' }

const SHAPES: Record<Status, React.ReactNode> = {
  triage: (
    <>
      <path d="M8 1.5 14.500 8 8 14.500 1.500 8z" />
      <circle cx="8" cy="8" r="1.300" fill="currentColor" stroke="none" />
    </>
  ),
  todo: <circle cx="8" cy="8" r="6" />,
  ready: (
    <>
      <circle cx="8" cy="8" r="6" />
      <circle cx="8" cy="8" r="2.700" fill="currentColor" stroke="none" />
    </>
  ),
  running: (
    <>
      <circle cx="8" cy="8" r="6.900" fill="currentColor" stroke="none" />
      <path d="M6.600 5.200 11 8l-4.400 2.800z" fill="var(--surface)" stroke="none" />
    </>
  ),
  review: (
    <>
      <path d="M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8z" />
      <circle cx="8" cy="8" r="1.900" />
    </>
  ),
  blocked: (
    <>
      <path
        d="M5.200 1.200h5.600l4 4v5.600l-4 4H5.200l-4-4V5.200z"
        fill="currentColor"
        stroke="none"
      />
      <path d="M5 8h6" {...cut} strokeWidth="2" />
    </>
  ),
  done: (
    <>
      <circle cx="8" cy="8" r="6.900" fill="currentColor" stroke="none" />
      <path d="m5 8.200 2.100 2.100L11 6" {...cut} />
    </>
  ),
  archived: (
    <>
      <path d="M2.500 6v7.500h11V6" />
      <path d="M1.500 2.500h13V6h-13zM6.500 9h3" />
    </>
  ),
}
