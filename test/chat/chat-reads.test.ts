import fc from 'fast-check'
import t from 'tap'
import { AsyncChat } from '../../src/chat/async-chat.js'
import type { Read, ReadStep } from '../../src/chat/chat-read.js'
import { ChatReads } from '../../src/chat/chat-reads.js'
import { type Codec, FrameScanner, type Terminator } from '../../src/framing/index.js'
import { everyCut, randomCuts } from '../support/cuts.js'
import { Wire } from '../support/told-wire.js'

/** A read that answers what it is told to. */
class Script implements Read {
  readonly terminator: Terminator
  readonly log: string[] = []
  answer: (scanner: FrameScanner) => ReadStep
  constructor(terminator: Terminator, answer: (scanner: FrameScanner) => ReadStep = () => 'hungry') {
    this.terminator = terminator
    this.answer = answer
  }
  serve(scanner: FrameScanner, hasEnded: boolean): ReadStep {
    this.log.push(`serve${hasEnded ? ' at the end' : ''}`)
    return this.answer(scanner)
  }
  end(): void {
    this.log.push('end')
  }
  fail(error: unknown): void {
    this.log.push((error as Error).message)
  }
}

function readsOf(terminator: Terminator, bytes = ''): { reads: ChatReads; scanner: FrameScanner; changes: number[] } {
  const changes: number[] = []
  const scanner = new FrameScanner({ terminator })
  scanner.write(Buffer.from(bytes))
  return { reads: new ChatReads(scanner, () => changes.push(1)), scanner, changes }
}

t.test('ChatReads: serves the oldest read under its terminator, and goes back to the channel\'s', async (t) => {
  const { reads, scanner } = readsOf('\n')
  const first = new Script(3, () => 'over')
  const second = new Script(';', () => 'over')
  t.equal(reads.isEmpty, true)
  t.equal(reads.add(first), true, 'it can be served')
  t.equal(reads.add(second), false, 'it has to wait')
  t.equal(reads.isEmpty, false)
  first.answer = () => {
    t.equal(scanner.getTerminator(), 3)
    t.equal(reads.getTerminator(), '\n')
    return 'over'
  }
  t.equal(reads.serve(false), 'over')
  t.equal(scanner.getTerminator(), '\n')
  t.equal(reads.serve(true), 'over')
  t.same([first.log, second.log, reads.isEmpty], [['serve'], ['serve at the end'], true])
})

t.test('ChatReads: keeps a terminator that is set during a read for afterwards', async (t) => {
  const { reads, scanner } = readsOf('\n')
  t.equal(reads.keepTerminator('\r\n'), false, 'none is served')
  const read = new Script(3)
  reads.add(read)
  t.equal(reads.keepTerminator('\r\n'), false, 'none is served yet')
  t.equal(reads.serve(false), 'hungry')
  t.throws(() => reads.keepTerminator(-1), { code: 'ERR_OUT_OF_RANGE' })
  t.equal(reads.getTerminator(), '\n')
  t.equal(reads.keepTerminator(';'), true)
  t.same([reads.getTerminator(), scanner.getTerminator()], [';', 3])
  reads.remove(read)
  t.same([reads.getTerminator(), scanner.getTerminator()], [';', ';'])
})

t.test('ChatReads: lets a read that was given up go, and says so', async (t) => {
  const { reads, scanner, changes } = readsOf('\n')
  const first = new Script(3)
  const second = new Script(4)
  reads.add(first)
  reads.add(second)
  reads.serve(false)
  reads.remove(second)
  t.equal(scanner.getTerminator(), 3, 'the first one goes on')
  reads.remove(first)
  reads.remove(first)
  t.same([changes.length, reads.isEmpty, scanner.getTerminator()], [2, true, '\n'])
  reads.changed()
  t.equal(changes.length, 3)
})

t.test('ChatReads: fails a read with what serving it threw, and remembers the end that cut it', async (t) => {
  const { reads } = readsOf('\n')
  for (const [code, hasMetEnd] of [['ERR_FRAME_TOO_LONG', false], ['ERR_FRAME_INCOMPLETE', true]] as const) {
    const read = new Script(3, () => {
      throw Object.assign(new Error(code), { code })
    })
    reads.add(read)
    t.equal(reads.serve(true), 'over')
    t.same([read.log, reads.hasMetEnd, reads.isEmpty], [['serve at the end', code], hasMetEnd, true])
  }
})

t.test('ChatReads: has one farewell for all, told from other errors by itself', async (t) => {
  const { reads } = readsOf('\n')
  t.match(reads.farewell, { code: 'ERR_CHANNEL_CLOSED' })
  t.equal(reads.farewell, reads.farewell)
  t.not(reads.farewell, readsOf('\n').reads.farewell)
})

t.test('ChatReads: fails all of them', async (t) => {
  const { reads, scanner } = readsOf('\n')
  const all = [new Script(3), new Script(4)]
  for (const read of all) reads.add(read)
  reads.serve(false)
  reads.failAll(new Error('closed'))
  t.same(all.map(({ log }) => log), [['serve', 'closed'], ['closed']])
  t.same([reads.isEmpty, scanner.getTerminator()], [true, '\n'])
})

const unreads: readonly [name: string, read: Terminator, take: (scanner: FrameScanner) => unknown, rest: string, wanted: string][] = [
  ['of a whole frame', 9, (scanner) => scanner.read(), 'g\n', 'abcdefg'],
  ['of a frame in pieces, but the pieces', 9, (scanner) => scanner.readPiece(), 'g\n', 'g'],
  ['of a frame under an equal terminator', '\n', (scanner) => scanner.readPiece(), 'g\n', 'g'],
  ['of a truncated frame, but what is gone', { until: ';', maxFrameLength: 4, overflow: 'truncate' }, (scanner) => scanner.read(), 'g\n', 'abcdg'],
  ['of a discarded frame, of which all is gone', { until: ';', maxFrameLength: 4, overflow: 'discard' }, (scanner) => scanner.read(), 'g\n', 'g'],
]

for (const [name, terminator, take, rest, wanted] of unreads) {
  t.test(`ChatReads: unreads what a read had seen ${name}`, async (t) => {
    const { reads, scanner } = readsOf('\n', 'abcdef')
    const read = new Script(terminator, (given) => {
      take(given)
      return 'hungry'
    })
    reads.add(read)
    reads.serve(false)
    reads.remove(read)
    t.equal(scanner.frameLength, 0)
    scanner.write(Buffer.from(rest))
    let text = ''
    for (let piece = scanner.readContent(); piece !== null; piece = scanner.readContent()) text += Buffer.from(piece).toString()
    t.equal(text, wanted)
  })
}

// Dialogues of reads, with reads that are given up, beside a model that has the whole input.

interface Step {
  readonly terminator: string | number
  /** The read is made so often before, and given up: at once, or after so many turns. */
  readonly cancelAfter: readonly number[]
  /** In pieces, of which only so many are taken before the rest is read. */
  readonly pieces: number | null
}

const INPUT = 'a;bcd;\n;e\n'

/** What each read gives, of the whole input; what the end cuts is still there for the next one. */
function expected(input: string, steps: readonly Step[]): string[] {
  let rest = input
  const log = steps.map(({ terminator }) => {
    if (rest === '') return terminator === 0 ? '' : 'null'
    const at = typeof terminator === 'number' ? terminator : rest.indexOf(terminator)
    if (at === -1 || at > rest.length) return `cut ${rest}`
    const frame = rest.slice(0, at)
    rest = rest.slice(at + (typeof terminator === 'number' ? 0 : terminator.length))
    return frame
  })
  return [...log, `left ${rest}`]
}

async function outcome(read: Promise<Buffer | null>): Promise<string> {
  try {
    return String(await read)
  } catch (error) {
    const { name, code, bytes } = error as Error & { code?: string; bytes?: Buffer }
    if (name === 'AbortError') return name
    return code === 'ERR_FRAME_INCOMPLETE' ? `cut ${String(bytes)}` : String(error)
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function converse(chunks: readonly Uint8Array[], steps: readonly Step[], own: Terminator): Promise<string[]> {
  const wire = new Wire()
  const chat = new AsyncChat(wire, { terminator: own, handleEnd() {} })
  const feeding = (async () => {
    for (const chunk of chunks) {
      await turn()
      wire.say(chunk)
    }
    wire.hangUp()
  })()
  const log: string[] = []
  for (const step of steps) log.push(await take(chat, step))
  await feeding
  log.push(`left ${await rest(chat)}`)
  if (chat.getTerminator() !== own) log.push('the terminator has changed')
  chat.close()
  return log
}

async function take(chat: AsyncChat, { terminator, cancelAfter, pieces }: Step): Promise<string> {
  for (const turns of cancelAfter) {
    const giveUp = new AbortController()
    if (turns === 0) giveUp.abort()
    const given = outcome(chat.readFrame(terminator, { signal: giveUp.signal }))
    for (let count = 1; count < turns; count++) await turn()
    giveUp.abort()
    const word = await given
    // What was there before it was given up is an answer like any other.
    if (word !== 'AbortError') return word
  }
  let before = ''
  if (pieces !== null) {
    let count = 0
    for await (const piece of chat.readPieces(terminator)) {
      before += piece.toString()
      if (chat.ending !== null) return before
      if (++count === pieces) break
    }
    // The end of the frame came without a piece.
    if (count < pieces) return before
  }
  const missing = typeof terminator === 'number' ? terminator - before.length : terminator
  return before + (await outcome(chat.readFrame(missing)))
}

async function rest(chat: AsyncChat): Promise<string> {
  let text = ''
  for await (const piece of chat.readPieces(null)) text += piece.toString()
  return text
}

t.test('ChatReads: a dialogue with reads that are given up loses no byte, over every cut', async (t) => {
  const steps: readonly Step[] = [
    { terminator: ';', cancelAfter: [2, 0], pieces: null },
    { terminator: 2, cancelAfter: [0, 1], pieces: null },
    { terminator: '\n;', cancelAfter: [3], pieces: null },
    { terminator: 'xx', cancelAfter: [], pieces: null },
    { terminator: '\n', cancelAfter: [2], pieces: null },
    { terminator: '\n', cancelAfter: [1], pieces: null },
  ]
  const wanted = expected(INPUT, steps)
  t.same(wanted, ['a', 'bc', 'd;', 'cut e\n', 'e', 'null', 'left '])
  const differences: unknown[] = []
  for (const chunks of everyCut(Buffer.from(INPUT))) {
    const log = await converse(chunks, steps, '\n')
    if (JSON.stringify(log) !== JSON.stringify(wanted)) differences.push({ chunks: chunks.map((chunk) => Buffer.from(chunk).toString()), log })
    if (differences.length > 2) break
  }
  t.same(differences, [])
})

t.test('ChatReads: any dialogue, with any reads given up and left early, is as the model has it', async (t) => {
  const input = fc.string({ unit: fc.constantFrom('a', 'b', ';', '\n'), maxLength: 40 })
  const steps = fc.array(
    fc.record({
      terminator: fc.oneof(fc.constantFrom(';', '\n', '\n;', 'aab', ';;'), fc.integer({ min: 1, max: 6 })),
      cancelAfter: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
      pieces: fc.constant(null),
    }),
    { maxLength: 12 },
  )
  const cases = fc.tuple(input, steps).chain(([text, script]) => fc.tuple(randomCuts(Buffer.from(text)), fc.constant(text), fc.constant(script)))
  await t.resolves(
    fc.assert(
      fc.asyncProperty(cases, fc.constantFrom<Terminator>(null, '\n', ';', 3), async ([chunks, text, script], own) => {
        const log = await converse(chunks, script, own)
        const wanted = expected(text, script)
        if (JSON.stringify(log) !== JSON.stringify(wanted)) throw new Error(`got ${JSON.stringify(log)}, wanted ${JSON.stringify(wanted)}`)
      }),
      { numRuns: 250 },
    ),
  )
})

t.test('ChatReads: a loop over pieces that is left early leaves the rest of the frame', async (t) => {
  const steps: readonly Step[] = [';', 3, '\n;', '\n'].map((terminator) => ({ terminator, cancelAfter: [2], pieces: 1 }))
  const wanted = expected(INPUT, steps)
  const differences: unknown[] = []
  for (const chunks of everyCut(Buffer.from(INPUT))) {
    const log = await converse(chunks, steps, '\n')
    if (JSON.stringify(log) !== JSON.stringify(wanted)) differences.push({ chunks: chunks.map((chunk) => Buffer.from(chunk).toString()), log })
    if (differences.length > 2) break
  }
  t.same(differences, [])
})

t.test('ChatReads: has one message scanner for one codec, or maker of codecs', (t) => {
  const { reads } = readsOf('\n', 'a;b;')
  const codec: Codec<string> = { terminator: ';', parse: String, encode: (text) => text }
  const make = (): Codec<string> => codec
  const scanners = [codec, make, codec, make].map((source) => reads.messagesOf(source, {}))
  t.equal(scanners[0], scanners[2])
  t.equal(scanners[1], scanners[3])
  t.not(scanners[0], scanners[1])
  t.throws(() => reads.messagesOf({} as Codec<string>, {}), { code: 'ERR_INVALID_ARG_TYPE' })
  t.end()
})
