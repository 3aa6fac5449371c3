import fc from 'fast-check'
import { FrameScanner } from '../../src/index.js'
import type { FrameScannerOptions, Terminator } from '../../src/index.js'

/** A frame as it was taken from a splitter. `offset` and the rest only with `details: true`. */
export interface Taken {
  readonly data: Buffer
  readonly offset?: number
  readonly ending?: string | null
  readonly matched?: number
}

/** What came out: the frames in order, and the code of the error that ended them. */
export interface Outcome {
  readonly frames: readonly Taken[]
  readonly code: string | null
}

export const codeOf = (error: unknown): string =>
  error instanceof Error
    ? ((error as NodeJS.ErrnoException).code ?? error.message)
    : String(error)

/** A chunk list that joins to `input`. The sizes are used in turn; a size of 0 is an empty chunk. */
export const cut = (input: Uint8Array, sizes: readonly number[]): Buffer[] => {
  const bytes = Buffer.from(input)
  const chunks: Buffer[] = []
  let from = 0
  let i = 0
  while (from < bytes.length) {
    const size = sizes[i % sizes.length] ?? 1
    i += 1
    // Of sizes that are all 0 nothing would ever come.
    const length = size === 0 && i > sizes.length ? 1 : size
    chunks.push(bytes.subarray(from, from + length))
    from += length
  }
  return chunks
}

/**
 * The delimiter contract in its own words: one that contains another of the
 * set ending before its own last byte can never match.
 */
const canAllMatch = (delimiters: readonly string[]): boolean =>
  delimiters.every(outer =>
    delimiters.every(inner => {
      const at = outer.indexOf(inner)
      return inner === outer || at < 0 || at + inner.length === outer.length
    })
  )

const delimiter = fc.string({
  unit: fc.constantFrom('a', 'b', ',', '\n'),
  minLength: 1,
  maxLength: 3
})

const delimiters = fc
  .uniqueArray(delimiter, { minLength: 2, maxLength: 3 })
  .filter(canAllMatch)

const until = fc.oneof(
  { weight: 4, arbitrary: delimiter },
  { weight: 2, arbitrary: delimiter.map(text => Buffer.from(text)) },
  { weight: 3, arbitrary: delimiters },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constant(null) }
)

/** Every kind of terminator over the letters of `inputBytes`. */
export const anyTerminator: fc.Arbitrary<Terminator> = fc.oneof(
  { weight: 8, arbitrary: until },
  { weight: 2, arbitrary: until.map(value => ({ until: value })) },
  {
    weight: 1,
    arbitrary: fc.record({
      until: delimiter,
      maxFrameLength: fc.integer({ min: 1, max: 3 }),
      overflow: fc.constantFrom('truncate' as const, 'discard' as const)
    })
  }
)

/** After frame i: a terminator to set, or undefined to leave it. */
export const anyScript: fc.Arbitrary<(Terminator | undefined)[]> = fc.array(
  fc.option(anyTerminator, { nil: undefined, freq: 4 }),
  { maxLength: 14 }
)

export const inputBytes: fc.Arbitrary<Buffer> = fc
  .string({ unit: fc.constantFrom('a', 'b', ',', '\n'), maxLength: 26 })
  .map(text => Buffer.from(text))

export const chunkSizes = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 5 })

const ruleValue = (terminator: Terminator): unknown =>
  typeof terminator === 'object' && terminator !== null && 'until' in terminator
    ? terminator.until
    : terminator

/** A `FrameScanner` that has the whole input from the start, and gives one frame after the other. */
class Reference {
  readonly #scanner: FrameScanner
  readonly #rearmCount: boolean
  /** What ends the next frame, without its limits. */
  #value: unknown

  constructor(input: Uint8Array, initial: Terminator, options: FrameScannerOptions) {
    this.#scanner = new FrameScanner({ ...options, terminator: initial })
    this.#scanner.write(input)
    this.#scanner.end()
    this.#rearmCount = options.rearmCount ?? true
    this.#value = ruleValue(initial)
  }

  set(terminator: Terminator): void {
    this.#scanner.setTerminator(terminator)
    this.#value = ruleValue(terminator)
  }

  /** The next frame. `length` is how long a piece was taken if the terminator is null: there the chunks decide. */
  next(length: number): Taken | null {
    return this.#value === null ? this.#piece(length) : this.#frame()
  }

  #frame(): Taken | null {
    const frame = this.#take('whole')
    // A count that is not set anew, and the one of 0, are followed by null.
    if (this.#value === 0 || (typeof this.#value === 'number' && !this.#rearmCount)) this.#value = null
    return frame
  }

  #piece(length: number): Taken | null {
    const { bufferedLength } = this.#scanner
    if (bufferedLength === 0) return null
    // When no more pieces were taken, every byte must be among them: this one is too much.
    this.#scanner.setTerminator(length > 0 && length <= bufferedLength ? length : bufferedLength)
    const piece = this.#take('piece')
    this.#scanner.setTerminator(null)
    return piece
  }

  #take(kind: 'whole' | 'piece'): Taken | null {
    const frame = this.#scanner.read()
    if (frame === null) return null
    const { offset, matched, ending } = this.#scanner
    return { data: Buffer.from(frame), offset, matched, ending: kind === 'piece' ? kind : ending }
  }
}

/**
 * The same script on the reference. Under `null` its pieces are as long as the
 * taken ones, so that what is compared are their bytes and all that follows.
 */
export const replay = (
  input: Uint8Array,
  initial: Terminator,
  switches: readonly (Terminator | undefined)[],
  options: FrameScannerOptions,
  taken: readonly Taken[]
): Outcome => {
  const reference = new Reference(input, initial, options)
  const frames: Taken[] = []
  try {
    for (let i = 0; i < 10_000; i++) {
      const frame = reference.next(taken[i]?.data.length ?? 0)
      if (frame === null) return { frames, code: null }
      frames.push(frame)
      const next = switches[i]
      if (next !== undefined) reference.set(next)
    }
  } catch (error) {
    return { frames, code: codeOf(error) }
  }
  throw new Error('The reference gives frames without end')
}

/** Checks a property; a failure names `name`, the smallest counterexample and what differed. */
export const holds = async (
  t: { pass(name: string): boolean; fail(name: string): boolean },
  name: string,
  property: fc.IAsyncProperty<unknown> | fc.IRawProperty<unknown>,
  numRuns: number
): Promise<void> => {
  try {
    await fc.assert(property, { numRuns })
    t.pass(name)
  } catch (error) {
    const { message, cause } = error as Error
    t.fail(`${name}: ${message} ${cause instanceof Error ? cause.message : ''}`)
  }
}

/** An outcome as a text that is good to read when two of them differ. */
export const show = (outcome: Outcome, withDetails: boolean): string[] => {
  const lines = outcome.frames.map(frame =>
    withDetails
      ? `${JSON.stringify(frame.data.toString('latin1'))} ${String(frame.ending)} @${String(frame.offset)} #${String(frame.matched)}`
      : JSON.stringify(frame.data.toString('latin1'))
  )
  return outcome.code === null ? lines : [...lines, outcome.code]
}
