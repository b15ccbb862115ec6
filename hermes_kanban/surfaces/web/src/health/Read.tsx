import { Age } from '@/kit/Age'

/** How old the figures beside it are. */
export function Read({ at }: { at: number }) {
  return (
    <>
      read <Age at={at} /> ago
    </>
  )
}
