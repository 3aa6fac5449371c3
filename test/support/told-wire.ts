/** A transport whose peer is the test, and waiting without a clock. No assertions here. */
import { Duplex, type DuplexOptions } from 'node:stream'

/** What the peer says is read at once; what it hears is written at once, unless it is told to be deaf. */
export class Wire extends Duplex {
  readonly #written: Buffer[] = []
  #isDeaf = false
  #onHeard: (() => void) | null = null
  /** How long the writes were. */
  readonly writeLengths: number[] = []
  hasHeardEnd = false

  constructor(options: DuplexOptions = {}) {
    super({ highWaterMark: 65_536, ...options })
  }

  /** The peer sends this, each as a chunk. */
  say(...chunks: readonly (string | Uint8Array)[]): void {
    for (const chunk of chunks) this.push(chunk)
  }

  /** The peer ends its side. */
  hangUp(): void {
    this.push(null)
  }

  /** The peer reads nothing more; what is written to it stays unwritten. */
  stopListening(): void {
    this.#isDeaf = true
  }

  listenAgain(): void {
    this.#isDeaf = false
    const done = this.#onHeard
    this.#onHeard = null
    done?.()
  }

  get heard(): string {
    return Buffer.concat(this.#written).toString()
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.writeLengths.push(chunk.length)
    const hear = (): void => {
      this.#written.push(chunk)
      done()
    }
    if (this.#isDeaf) this.#onHeard = hear
    else hear()
  }

  override _final(done: () => void): void {
    this.hasHeardEnd = true
    done()
  }
}

const TURNS = 12
const MAX_TURNS = 20_000

/** All that is to happen without the outside world has happened. */
export async function quiet(turns: number = TURNS): Promise<void> {
  for (let count = 0; count < turns; count++) await new Promise((resolve) => setImmediate(resolve))
}

/** Resolves when the condition holds; rejects, naming it, when it does not come to hold. */
export async function comes(what: string, isSo: () => boolean): Promise<void> {
  for (let count = 0; !isSo(); count++) {
    if (count > MAX_TURNS) throw new Error(`Standstill: ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The warnings of the process while the test runs. */
export function warningsOf(t: { teardown(action: () => void): unknown }): string[] {
  const seen: string[] = []
  const original = process.emitWarning.bind(process)
  process.emitWarning = (warning: string | Error) => void seen.push(warning instanceof Error ? warning.message : warning)
  t.teardown(() => void (process.emitWarning = original))
  return seen
}
