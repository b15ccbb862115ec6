import { loseSession, request } from '@/api/client'

/** Ends the session here and on the server. Throws a Problem where the server is not reached. */
export async function logOut(): Promise<void> {
  await request('/session', { method: 'DELETE' })
  loseSession('Logged out.')
}
