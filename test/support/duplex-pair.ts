/** Two ends of one connection, without a socket. */
import { Duplex, type DuplexOptions } from 'node:stream'
import { Duplex as PortableDuplex } from 'readable-stream'

export type DuplexClass = new (options?: DuplexOptions) => Duplex

/** Streams of the platform, and of the package that stands for them. */
export const DUPLEX_CLASSES: readonly { readonly name: string; readonly Class: DuplexClass }[] = [
  { name: 'node:stream', Class: Duplex },
  { name: 'readable-stream', Class: PortableDuplex as unknown as DuplexClass },
]

/** What one end writes the other reads; a write is called back when the other end has asked for more. */
export function duplexPair(options: DuplexOptions = {}, Class: DuplexClass = Duplex): [Duplex, Duplex] {
  const ends: Duplex[] = []
  const waiting: ((() => void) | null)[] = [null, null]
  const makeEnd = (index: number): Duplex => {
    const other = 1 - index
    const isLost = (): boolean => (ends[other] as Duplex).destroyed
    return new Class({
      ...options,
      read() {
        const done = waiting[index]
        waiting[index] = null
        // Later: a reader that asks from inside a write would be called from it.
        if (done) process.nextTick(done)
      },
      write(chunk, _encoding, done) {
        if (isLost()) return done()
        waiting[other] = done
        ;(ends[other] as Duplex).push(chunk)
      },
      final(done) {
        if (!isLost()) (ends[other] as Duplex).push(null)
        done()
      },
      destroy(error, done) {
        const pending = waiting[index]
        waiting[index] = null
        if (pending) process.nextTick(pending)
        done(error)
      },
    })
  }
  ends.push(makeEnd(0), makeEnd(1))
  return ends as [Duplex, Duplex]
}
