/** Waiting for what comes from sockets, children and timers, with a bound. */

const LIMIT_MS = 20_000

/** Resolves when the condition holds; rejects, naming it, when it does not come to hold. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = Date.now() + LIMIT_MS
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`Standstill: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
