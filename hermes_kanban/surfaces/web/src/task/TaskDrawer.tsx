/** The task over the board. */
export default function TaskDrawer({ id }: { id: string }) {
  return <aside aria-label={id} />
}
