/** Sources of every kind that end in every way, and what becomes of a queue of them, told plainly. */

import { Readable } from 'node:stream'
import fc from 'fast-check'
import type { Producer, Source } from '../../src/index.js'
import { turn } from './consumers.js'

export const KINDS = ['chunk', 'producer', 'asyncProducer', 'function', 'iterable', 'asyncIterable', 'readable', 'web', 'nested'] as const
export type Kind = (typeof KINDS)[number]

/** How a source ends; `never`: it has no answer after its pieces. */
export type End = 'end' | 'fail' | 'never'

export interface Spec {
  readonly kind: Kind
  /** Lengths of its pieces. */
  readonly sizes: readonly number[]
  readonly end: End
  /** Lengths of what it pushes to the channel when it is asked for the first time. */
  readonly pushes: readonly number[]
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 })

/** Chunks and Readables know nothing of the channel; a chunk only ends. */
export function anySpec(ends: readonly End[]): fc.Arbitrary<Spec> {
  return fc
    .record({
      kind: fc.constantFrom(...KINDS),
      sizes,
      end: fc.constantFrom(...ends),
      pushes: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: sizes }),
    })
    .map(({ kind, sizes: lengths, end, pushes }) =>
      kind === 'chunk' ? { kind, sizes: lengths, end: 'end', pushes: [] } : { kind, sizes: lengths, end, pushes },
    )
}

/** A source made, and what was done to it. */
export interface Made {
  readonly source: Source
  /** How often it was told that it will not be finished. */
  cleanupCount: number
  /** Whether it has said that it ends, or has failed and cleans up nothing then. */
  readonly hasEnded: () => boolean
  /** Whether it takes being finished for a reason to clean up as well. */
  readonly cleansUpAtEnd: boolean
  /** Whether it does so when it has failed by itself. */
  readonly cleansUpAtFailure: boolean
}

/** Bytes of source `id`, no two sources beginning with the same one. */
export function textOf(id: number, length: number): string {
  const first = String.fromCharCode(0x100 + id)
  return (first + '0123456789'.repeat(Math.ceil(length / 10))).slice(0, length)
}

/** The pieces of a source; characters beyond ASCII are two bytes, so pieces are as long as asked or a byte longer. */
export function piecesOf(id: number, lengths: readonly number[]): string[] {
  const text = textOf(id, lengths.reduce((sum, length) => sum + length, 0))
  let start = 0
  return lengths.map((length) => text.slice(start, (start += length)))
}

const NEVER = new Promise<never>(() => {})

export class Failure extends Error {
  readonly id: number

  constructor(id: number) {
    super('the source failed')
    this.id = id
  }
}

/** Gives the pieces one by one, then ends as it should. */
class Script {
  readonly #pieces: readonly string[]
  readonly #id: number
  readonly #end: End
  readonly #onFirst: () => void
  #next = 0
  hasEnded = false
  hasFailed = false

  constructor(id: number, pieces: readonly string[], end: End, onFirst: () => void) {
    this.#id = id
    this.#pieces = pieces
    this.#end = end
    this.#onFirst = onFirst
  }

  /** The next piece; null: the end. */
  ask(): string | null | Promise<never> {
    if (this.#next === 0) this.#onFirst()
    const piece = this.#pieces[this.#next++]
    if (piece !== undefined) return piece
    if (this.#end === 'fail') {
      this.hasFailed = true
      throw new Failure(this.#id)
    }
    if (this.#end === 'never') return NEVER
    this.hasEnded = true
    return null
  }
}

type Maker = (script: Script, onCleanup: () => void, text: string) => Source

const resultOf = (value: string | null): IteratorResult<string> => (value === null ? { done: true, value: undefined } : { done: false, value })

const MAKERS: Record<Kind, Maker> = {
  chunk: (_script, _onCleanup, text) => text,
  producer: (script, onCleanup) => ({ more: () => script.ask(), return: onCleanup }),
  asyncProducer: (script, onCleanup) => ({
    more: async () => {
      await turn()
      return script.ask()
    },
    return: onCleanup,
  }),
  function: (script) => () => script.ask(),
  // Its own iterator, so that it can be told of its end although it never began.
  iterable: (script, onCleanup) => ({
    [Symbol.iterator]() {
      return this
    },
    next: () => {
      const piece = script.ask()
      return (piece instanceof Promise ? piece : resultOf(piece)) as IteratorResult<string>
    },
    return: () => {
      onCleanup()
      return resultOf(null)
    },
  }) as unknown as Source,
  asyncIterable: (script, onCleanup) => ({
    [Symbol.asyncIterator]() {
      return this
    },
    next: async () => resultOf(await script.ask()),
    return: async () => {
      onCleanup()
      return resultOf(null)
    },
  }) as unknown as Source,
  readable: (script, onCleanup) =>
    new Readable({
      highWaterMark: 0,
      read() {
        try {
          const piece = script.ask()
          if (!(piece instanceof Promise)) this.push(piece)
        } catch (error) {
          this.destroy(error as Error)
        }
      },
      destroy(error, done) {
        onCleanup()
        done(error)
      },
    }),
  web: (script, onCleanup) =>
    new ReadableStream(
      {
        async pull(controller) {
          const piece = await script.ask()
          if (piece === null) controller.close()
          else controller.enqueue(Buffer.from(piece))
        },
        cancel: onCleanup,
      },
      { highWaterMark: 0 },
    ) as Source,
  nested: (script, onCleanup) => nested(script, onCleanup),
}

/** Every piece comes out of a producer within a producer. */
function nested(script: Script, onCleanup: () => void): Producer {
  return {
    more: () => {
      const piece = script.ask()
      if (typeof piece !== 'string') return piece
      const rest = [piece]
      const innermost: Producer = { more: () => rest.pop() ?? null }
      const around: (Producer | null)[] = [innermost]
      return { more: () => around.pop() ?? null }
    },
    return: onCleanup,
  }
}

/** Makes a source. `onFirst` is called when it is asked for the first time. */
export function make(id: number, spec: Spec, onFirst: () => void): Made {
  const pieces = piecesOf(id, spec.sizes)
  const script = new Script(id, pieces, spec.end, onFirst)
  const made: { -readonly [key in keyof Made]: Made[key] } = {
    source: '',
    cleanupCount: 0,
    hasEnded: () => script.hasEnded || (script.hasFailed && !made.cleansUpAtFailure),
    cleansUpAtEnd: spec.kind === 'readable',
    cleansUpAtFailure: spec.kind !== 'web',
  }
  const onCleanup = (): void => {
    made.cleanupCount++
  }
  made.source = MAKERS[spec.kind](script, onCleanup, pieces.join(''))
  return made
}

/** Kinds that nobody can tell of their end. */
export const hasCleanup = ({ kind }: Spec): boolean => kind !== 'chunk' && kind !== 'function'

export type Fate = 'written' | 'failed' | 'discarded' | 'waiting'

interface Waiting {
  readonly id: number
  readonly spec: Spec
  hasBegun: boolean
}

/** The queue of a channel whose pushes all come in one go, and which is left alone until nothing happens any more. */
export class OrderModel {
  readonly fates: Fate[] = []
  /** Sources that were taken, in order. What is refused is told so at once. */
  readonly taken: number[] = []
  output = ''
  failures = 0
  /** Whether pushing is refused by an exception, by false, or not at all. */
  refuses: 'no' | 'throws' | 'false' = 'no'
  #queue: Waiting[] = []

  push(spec: Spec): void {
    const id = this.fates.length
    if (this.refuses === 'throws') return
    this.fates.push(this.refuses === 'no' ? 'waiting' : 'failed')
    if (this.refuses !== 'no') return
    this.taken.push(id)
    this.#queue.push({ id, spec, hasBegun: false })
  }

  /** All that happens by itself. */
  run(): void {
    for (let first = this.#queue[0]; first !== undefined && !first.hasBegun; first = this.#queue[0]) {
      const { id, spec } = first
      first.hasBegun = true
      this.output += piecesOf(id, spec.sizes).join('')
      for (const length of spec.pushes) this.push({ kind: 'chunk', sizes: [length], end: 'end', pushes: [] })
      if (spec.end === 'never') return
      this.#queue.shift()
      this.fates[id] = spec.end === 'end' ? 'written' : 'failed'
      if (spec.end === 'end') continue
      this.failures++
      this.drop('failed')
    }
  }

  drop(fate: Fate): void {
    for (const { id } of this.#queue) this.fates[id] = fate
    this.#queue = []
  }
}
