/**
 * The output queue against a model: random sources, consumed at random, discarded and destroyed at random moments.
 *
 * What is compared: the bytes, the callbacks (each once, in order, with the right outcome) and the releases (once, of
 * exactly those sources that were not finished).
 */
import { Readable as NodeReadable, Writable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import fc from 'fast-check'
import t from 'tap'
import { ProducerReadable, type Source } from '../../src/index.js'
import { turns } from '../support/consumers.js'

/** What a source does after its pieces. */
type Ending = 'ends' | 'fails' | 'hangs'
type Kind = 'bytes' | 'sync' | 'async' | 'function' | 'nested' | 'iterable' | 'generator' | 'asyncIterable' | 'readable' | 'web'

interface Plan {
  readonly kind: Kind
  readonly pieces: readonly string[]
  readonly ending: Ending
  /** Enqueue these from inside, at the first pull. */
  readonly inner: readonly string[]
}

const KINDS: readonly Kind[] = ['bytes', 'sync', 'async', 'function', 'nested', 'iterable', 'generator', 'asyncIterable', 'readable', 'web']

type Step = { readonly kind: 'enqueue'; readonly plan: Plan } | { readonly kind: 'discard' } | { readonly kind: 'turns'; readonly count: number }

/** What is known of one source that was enqueued. */
interface Record {
  readonly name: string
  readonly pieces: string
  readonly ending: Ending
  isReleasable: boolean
  releases: number
  calls: (Error | null)[]
}

/** A stream, what was enqueued to it, and what came of it. */
class World {
  readonly stream: ProducerReadable
  readonly records: Record[] = []
  readonly calls: Record[] = []
  output = ''

  constructor(highWaterMark: number) {
    this.stream = new ProducerReadable({ highWaterMark }).on('error', () => {})
  }

  enqueue(plan: Plan): void {
    const { kind } = plan
    const isPlain = kind === 'bytes'
    const record: Record = {
      name: `#${this.records.length} ${kind}`,
      pieces: plan.pieces.join(''),
      ending: isPlain ? 'ends' : plan.ending,
      isReleasable: !isPlain && kind !== 'function' && kind !== 'iterable',
      releases: 0,
      calls: [],
    }
    this.records.push(record)
    this.stream.enqueue(this.#sourceOf(plan, record), (error) => {
      record.calls.push(error ?? null)
      this.calls.push(record)
    })
  }

  async run(step: Step): Promise<void> {
    if (step.kind === 'enqueue') this.enqueue(step.plan)
    else if (step.kind === 'discard') this.stream.discard()
    else await turns(step.count)
  }

  #sourceOf({ kind, pieces, ending, inner }: Plan, record: Record): Source {
    const rest = [...pieces]
    let isFirst = true
    const onRelease = (): void => void record.releases++
    /** The next piece, null at the end; `isSync` where a source cannot wait. */
    const next = (): string | null | Promise<never> => {
      if (isFirst) for (const text of inner) this.enqueue({ kind: 'bytes', pieces: [text], ending: 'ends', inner: [] })
      isFirst = false
      if (rest.length > 0) return rest.shift() as string
      if (ending === 'fails') throw new Error(record.name)
      return ending === 'hangs' ? new Promise<never>(() => {}) : null
    }
    const never = { more: () => new Promise<never>(() => {}) }
    switch (kind) {
      case 'bytes':
        return pieces.join('')
      case 'sync':
        return { more: next, return: onRelease }
      case 'async':
        return { more: async () => next(), return: onRelease }
      case 'function':
        return next
      case 'nested': {
        // Each piece comes from a producer of its own; what is between them is the outer one's.
        return { more: () => {
          const piece = next()
          if (typeof piece !== 'string') return piece
          const one = [piece]
          return { more: () => one.pop() }
        }, return: onRelease }
      }
      case 'iterable':
        return { [Symbol.iterator]: () => ({ next: () => {
          const value = next()
          return value === null ? { done: true, value } : { done: false, value: value instanceof Promise ? never : value }
        } }) } as never
      case 'generator': {
        const generator = (function* () {
          for (let value = next(); value !== null; value = next()) yield value instanceof Promise ? never : value
        })()
        const close = generator.return.bind(generator)
        return Object.assign(generator, { return: (value: never) => (onRelease(), close(value)) })
      }
      case 'asyncIterable':
        return { [Symbol.asyncIterator]() { return this }, next: async () => {
          const value = await next()
          return { done: value === null, value }
        }, return: async () => onRelease() } as never
      case 'readable': {
        return new NodeReadable({
          objectMode: true,
          highWaterMark: 1,
          read() {
            const value = next()
            if (!(value instanceof Promise)) this.push(value)
          },
          destroy(error, done) {
            // A Readable destroys itself at its end too.
            if (this.readableEnded) record.isReleasable = false
            else onRelease()
            done(error)
          },
        })
      }
      case 'web':
        return new ReadableStream({
          async pull(controller) {
            const value = await next()
            if (value === null) controller.close()
            else controller.enqueue(value)
          },
          cancel: onRelease,
        }, { highWaterMark: 0 })
      default:
        throw new Error(`No such kind: ${kind as string}`)
    }
  }
}

const planOf = (endings: readonly Ending[]): fc.Arbitrary<Plan> =>
  fc.record({
    kind: fc.constantFrom(...KINDS),
    pieces: fc.array(fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme-ascii' }), { maxLength: 4 }),
    ending: fc.constantFrom(...endings),
    inner: fc.oneof({ weight: 4, arbitrary: fc.constant<string[]>([]) }, fc.array(fc.constantFrom('in', 'side'), { maxLength: 2 })),
  })

type Consume = (world: World) => void
const consumers: { readonly [name: string]: Consume } = {
  data: (world) => void world.stream.on('data', (chunk) => void (world.output += String(chunk))),
  'read(n)': (world) => void world.stream.on('readable', () => {
    for (let size = 1; ; size = (size % 3) + 1) {
      const chunk = world.stream.read(Math.min(size, world.stream.readableLength || 1)) as Buffer | null
      if (chunk === null) return
      world.output += String(chunk)
    }
  }),
  'for await': (world) => void (async () => {
    for await (const chunk of world.stream) world.output += String(chunk)
  })().catch(() => {}),
  'slow pipe': (world) => void world.stream.pipe(new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      world.output += String(chunk)
      setImmediate(done)
    },
  })),
}

/** What is true whatever was done: each callback once and in order, each release at most once. */
function problemsOf(world: World): string[] {
  const problems: string[] = []
  for (const record of world.records) {
    if (record.calls.length !== 1) problems.push(`${record.name} was called back ${record.calls.length} times`)
    if (record.releases > 1) problems.push(`${record.name} was released ${record.releases} times`)
    if (record.isReleasable && record.calls[0] === null && record.releases > 0) problems.push(`${record.name} was finished, and released`)
  }
  const order = world.calls.map((record) => world.records.indexOf(record))
  if (order.some((index, at) => index !== at)) problems.push(`callbacks in the order ${order.join()}`)
  return problems
}

/** Sources whose pieces left are known by the callbacks: those told of no error. */
const succeeded = (world: World): string => world.records.filter(({ calls }) => calls[0] === null).map(({ pieces }) => pieces).join('')

const failingIn = (world: World): Record | null => world.records.find(({ ending }) => ending === 'fails') ?? null

/** Sources before one that fails succeed; that one and those after it are told of its error, and released. */
function wrongOutcomes(world: World): string[] {
  const failing = failingIn(world)
  const until = failing === null ? world.records.length : world.records.indexOf(failing)
  return world.records.flatMap((record, index) => {
    const message = record.calls[0]?.message
    if (message !== (index < until ? undefined : failing?.name)) return [`${record.name} was told ${message}`]
    // A stream that has failed of itself needs no cancel.
    const isSpared = record === failing && record.name.endsWith('web')
    if (index < until || !record.isReleasable || isSpared || record.releases === 1) return []
    return [`${record.name} was released ${record.releases} times`]
  })
}

/** All bytes of the sources before one that fails come out, and then at most those that it gave. */
function wrongOutput(world: World, consumer: string): string[] {
  const failing = failingIn(world)
  const want = (failing === null ? world.records : world.records.slice(0, world.records.indexOf(failing))).map(({ pieces }) => pieces).join('')
  const most = `${want}${failing?.pieces ?? ''}`
  // A Writable at the other end of a stream that fails is not waited for.
  const isCut = failing !== null && consumer === 'slow pipe'
  return most.startsWith(world.output) && (isCut || world.output.startsWith(want)) ? [] : [`gave ${world.output}, not ${want}`]
}

const REASONS = new Set(['ERR_DISCARDED', 'ERR_CHANNEL_CLOSED', 'destroyed'])

/** Whoever was not sent is told why; who was discarded was released. */
function wrongReasons(world: World): string[] {
  return world.records.flatMap(({ name, calls: [error], isReleasable, releases }) => {
    if (error === null || error === undefined) return []
    const reason = (error as NodeJS.ErrnoException).code ?? error.message
    if (!REASONS.has(reason)) return [`${name} was told ${reason}`]
    return isReleasable && reason === 'ERR_DISCARDED' && releases !== 1 ? [`${name} was released ${releases} times`] : []
  })
}

/** The bytes of each source that succeeded are in the output, in order. */
function missing(world: World): string[] {
  let at = 0
  return world.records.flatMap(({ name, pieces, calls }) => {
    if (calls[0] !== null) return []
    const found = world.output.indexOf(pieces, at)
    at = Math.max(at, found + pieces.length)
    return found < 0 ? [`${name} succeeded, and its bytes ${pieces} are not in ${world.output}`] : []
  })
}

const settings = { highWaterMark: fc.integer({ min: 1, max: 12 }), consumer: fc.constantFrom(...Object.keys(consumers)) }

t.test('ProducerReadable: gives the bytes of all sources in order, up to one that fails', async (t) => {
  await t.resolves(fc.assert(fc.asyncProperty(
    fc.record({ ...settings, plans: fc.array(planOf(['ends', 'ends', 'ends', 'fails']), { maxLength: 6 }) }),
    async ({ highWaterMark, consumer, plans }) => {
      const world = new World(highWaterMark)
      for (const plan of plans) world.enqueue(plan)
      consumers[consumer]?.(world)
      for (let i = 0; i < 200 && world.stream.pending > 0 && !world.stream.destroyed; i++) await turns(1)
      await turns(3)
      if (failingIn(world) === null) world.stream.closeWhenDone()
      for (let i = 0; i < 400 && (!world.stream.destroyed || world.output.length < succeeded(world).length); i++) await turns(1)
      await turns(5)
      const problems = [...problemsOf(world), ...wrongOutcomes(world), ...wrongOutput(world, consumer)]
      if (problems.length > 0) throw new Error(problems.join('\n'))
    },
  ), { numRuns: 400 }))
})

t.test('ProducerReadable: discards and is destroyed at any moment, and goes on after a discard', async (t) => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: planOf(['ends', 'ends', 'hangs']).map((plan) => ({ kind: 'enqueue' as const, plan })) },
    { weight: 2, arbitrary: fc.constant({ kind: 'discard' as const }) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }).map((count) => ({ kind: 'turns' as const, count })) },
  )
  await t.resolves(fc.assert(fc.asyncProperty(
    fc.record({ ...settings, steps: fc.array(step, { maxLength: 14 }), end: fc.constantFrom('destroy', 'error', 'close') }),
    async ({ highWaterMark, consumer, steps, end }) => {
      const world = new World(highWaterMark)
      consumers[consumer]?.(world)
      for (const one of steps) await world.run(one)
      if (end === 'close') {
        // What hangs is discarded; this must come out all the same.
        world.stream.discard()
        world.enqueue({ kind: 'bytes', pieces: ['LAST'], ending: 'ends', inner: [] })
        world.stream.closeWhenDone()
      } else {
        world.stream.destroy(end === 'error' ? new Error('destroyed') : undefined)
      }
      for (let i = 0; i < 400 && !world.stream.destroyed; i++) await turns(1)
      await turns(30)
      // Of a stream that is destroyed a Writable at the other end may not have had all.
      const problems = [...problemsOf(world), ...wrongReasons(world), ...(consumer === 'slow pipe' ? [] : missing(world))]
      if (end === 'close' && !world.output.endsWith('LAST')) problems.push(`gave ${world.output}`)
      if (problems.length > 0) throw new Error(problems.join('\n'))
    },
  ), { numRuns: 400 }))
})
