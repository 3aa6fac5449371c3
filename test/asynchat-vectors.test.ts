/**
 * Sessions recorded from CPython's own asynchat (`test/vectors/asynchat*.json`, described in their README), played to
 * an `AsyncChat`: the same hooks are called with the same bytes in the same order.
 *
 * Each case runs with the chunks as recorded. What it was given and what came of it do not depend on the cuts where
 * terminators are switched in `foundTerminator` only: such a case runs whole, byte by byte and at every single cut too.
 *
 * Not the same are the cases in `EXCEPTIONS`, each for a reason; there too it is asserted what comes instead.
 */

import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Terminator } from '../src/framing/index.js'
import { type Outcome, type Session, type TraceEvent, quote, runSession, traceOf } from './support/chat-session.js'
import { byteByByte, cutAt } from './support/cuts.js'

type Tap = Pick<typeof t, 'equal' | 'not' | 'same'>

type RecordedTerminator = null | { readonly delim: string } | { readonly count: number }

interface Recording {
  readonly name: string
  readonly case: Omit<Session, 'chunks' | 'script' | 'inBufferSize' | 'onCollect'> & {
    readonly chunks: readonly string[]
    readonly script: readonly RecordedTerminator[]
    readonly in_buffer_size?: number
    readonly on_collect?: Readonly<Record<string, RecordedTerminator>>
  }
  readonly result:
    | { readonly error: string }
    | {
        readonly error?: undefined
        readonly normalised: readonly (readonly [kind: string, text?: string])[]
        readonly held: string
        readonly terminator: RecordedTerminator
      }
}

interface Exception {
  readonly names: readonly string[]
  readonly reason: string
  readonly trace: string
}

const inEachChunking = (name: string): string[] => ['whole', 'bytes', 'by2', 'by3', 'by5'].map((cut) => `${name}/${cut}`)
const ENDLESS = `${'F '.repeat(100)}!FramingError ERR_NO_PROGRESS`
const NO_DELIMITER = '!TypeError ERR_INVALID_ARG_TYPE'

const HELD_IS_LOST = 'bytes held back as a part of a delimiter are collected at the end of input; there they are lost'

const EXCEPTIONS: readonly Exception[] = [
  {
    names: inEachChunking('crlf-lines'),
    reason: HELD_IS_LOST,
    trace: 'C(hello) F C(world) F F C(tail\\r) CLOSE',
  },
  {
    names: ['eof with held prefix'],
    reason: HELD_IS_LOST,
    trace: 'C(partial\\r\\n.\\r) CLOSE',
  },
  {
    names: ['switched in found 14'],
    reason: HELD_IS_LOST,
    trace: 'C(\\n\\n\\n\\r\\r\\n\\n\\n\\n\\n\\r\\r\\r\\r\\n\\r\\n\\r\\r\\r\\r\\r\\n\\r) CLOSE',
  },
  {
    names: ['switched in found 16'],
    reason: HELD_IS_LOST,
    trace: 'F C(\\u0000\\u0000\\u0000ÿ) F C(\\u0000ÿ\\u0000\\u0000\\u0000\\u0000) CLOSE',
  },
  {
    names: inEachChunking('http-post-clen-0'),
    reason: 'a count of 0 ends an empty frame at once; there it never does',
    trace: 'C(POST / HTTP/1.0\\r\\nContent-Length: 0) F F C(GET / HTTP/1.0\\r\\n\\r\\n)',
  },
  {
    names: inEachChunking('count-1-then-zero'),
    reason: 'a count of 0 ends an empty frame at once, and this script sets it again for ever',
    trace: `C(0) F ${ENDLESS}`,
  },
  {
    names: inEachChunking('count-zero'),
    reason: 'a count of 0 ends an empty frame at once, and this script sets it again for ever',
    trace: ENDLESS,
  },
  { names: inEachChunking('empty-delim'), reason: 'an empty delimiter is refused; there it means never', trace: NO_DELIMITER },
  { names: ['in_buffer_size=0'], reason: 'a buffer size of 0 is refused; there it closes the channel', trace: '!RangeError ERR_OUT_OF_RANGE' },
  { names: ['negative'], reason: 'refused too, by another error (there a ValueError)', trace: '!RangeError ERR_OUT_OF_RANGE' },
  {
    names: ['collect sets count while delim matched'],
    reason: 'a terminator set in collectIncomingData rules the very next byte, here the delimiter; there the match still counts',
    trace: 'C(a\\nb) F C(bcc)',
  },
  {
    names: ['collect sets delim while count pending (bug: TypeError)'],
    reason: 'a new terminator drops a running count; there the bytes are subtracted from a delimiter',
    trace: 'C(abc) F',
  },
  {
    names: ['collect sets bigger count while count pending'],
    reason: 'a new terminator drops a running count; there the bytes just collected are charged to the new one',
    trace: 'C(abcdefghijkl) F',
  },
  {
    names: ['collect sets smaller count while count pending (bug: negative)'],
    reason: 'a new terminator drops a running count; there it goes below zero',
    trace: 'C(abcd) F C(efg)',
  },
  {
    names: ['collect sets delim while count completes (bug: lost)'],
    reason: 'a terminator set in collectIncomingData rules the very next byte; there it is overwritten with 0',
    trace: 'C(abc) F C(d)',
  },
  {
    names: ['close in found: rest of chunk still parsed'],
    reason: 'parsing stops at close(); there it goes on up to the end of the chunk',
    trace: 'C(QUIT) F',
  },
  {
    names: ['collect raises'],
    reason: 'no byte is repeated after a hook throws; there the buffer is cut after the hook',
    trace: 'C(a) !Boom: collect 0 F C(b) F C(c) F',
  },
]

const read = (name: string): Recording[] => JSON.parse(readFileSync(`test/vectors/${name}`, 'utf8')) as Recording[]
const bytesOf = (base64: string): Buffer => Buffer.from(base64, 'base64')

function terminatorOf(recorded: RecordedTerminator): Terminator {
  if (recorded === null) return null
  return 'delim' in recorded ? bytesOf(recorded.delim) : recorded.count
}

function sessionOf({ case: { chunks, script, in_buffer_size: inBufferSize, on_collect: onCollect = {}, ...rest } }: Recording): Session {
  return {
    ...rest,
    chunks: chunks.map(bytesOf),
    script: script.map(terminatorOf),
    onCollect: Object.fromEntries(Object.entries(onCollect).map(([k, recorded]) => [k, terminatorOf(recorded)])),
    ...(inBufferSize === undefined ? {} : { inBufferSize }),
  }
}

function recordedTrace({ result }: Recording): string {
  if (result.error !== undefined) return `!${result.error}`
  return traceOf(result.normalised.map(([kind, text = '']): TraceEvent => {
    if (kind === 'collect') return { kind, data: bytesOf(text) }
    return kind === 'error' ? { kind, text } : { kind: kind as 'found' | 'close' }
  }))
}

/** As text, after a count as here: null, where asynchat has 0. */
function terminatorText(terminator: Terminator): string {
  if (typeof terminator === 'number' || terminator === null) return String(terminator === 0 ? null : terminator)
  return quote(terminator as Uint8Array)
}

/** Nothing happens by the number of a call that depends on the cuts, nor to the rest of a chunk. */
function isInvariant({ switch: moment, onCollect, discard, close, raise, inBufferSize }: Session): boolean {
  return moment !== 'outside' && Object.keys(onCollect ?? {}).length === 0 && !discard && !close && !raise && inBufferSize !== 0
}

function* recuts({ chunks }: Session): Generator<[name: string, chunks: Uint8Array[]]> {
  const whole = Buffer.concat(chunks)
  yield ['whole', [whole]]
  yield ['byte by byte', byteByByte(whole)]
  for (let at = 1; at < whole.length; at++) yield [`cut at ${at}`, cutAt(whole, [at])]
}

const exceptions = new Map(EXCEPTIONS.flatMap((exception) => exception.names.map((name) => [name, exception] as const)))
/** Cases that differ in their chunks only are cut anew once. */
const recut = new Set<string>()

async function playRecuts(t: Tap, session: Session, want: string): Promise<void> {
  const { chunks, ...rest } = session
  const key = JSON.stringify([Buffer.concat(chunks).toString('latin1'), rest])
  if (!isInvariant(session) || recut.has(key)) return
  recut.add(key)
  const wrong: string[] = []
  for (const [name, cut] of recuts(session)) {
    const trace = traceOf((await runSession({ ...session, chunks: cut })).events)
    if (trace !== want) wrong.push(`${name}: ${trace}`)
  }
  t.same(wrong, [], 'the same at every cut')
}

function compareState(t: Tap, { result }: Recording, { eof }: Session, outcome: Outcome): void {
  if (result.error !== undefined) return
  t.equal(terminatorText(outcome.terminator), terminatorText(terminatorOf(result.terminator)), 'the terminator in force')
  if (eof !== true) t.equal(quote(outcome.held), quote(bytesOf(result.held)), 'the bytes held back')
}

async function play(t: Tap, recording: Recording): Promise<void> {
  const session = sessionOf(recording)
  const exception = exceptions.get(recording.name)
  const recorded = recordedTrace(recording)
  const want = exception?.trace ?? recorded
  const outcome = await runSession(session)
  t.equal(traceOf(outcome.events), want, exception?.reason ?? 'the hooks were called as recorded')
  if (exception === undefined) compareState(t, recording, session, outcome)
  else t.not(want, recorded, 'an exception is not what was recorded')
  await playRecuts(t, session, want)
}

const FILES = [
  ['asynchat.json', 144],
  ['asynchat-more.json', 60],
] as const

for (const [file, count] of FILES) {
  t.test(`AsyncChat: plays the ${count} sessions of ${file} as asynchat does`, async (t) => {
    const recordings = read(file)
    t.equal(recordings.length, count)
    t.equal(new Set(recordings.map(({ name }) => name)).size, count, 'each has a name of its own')
    for (const recording of recordings) {
      t.test(recording.name, async (t) => {
        await play(t, recording)
      })
    }
  })
}

t.test('AsyncChat: is excepted from what asynchat does in known sessions only', async (t) => {
  const names = new Set(FILES.flatMap(([file]) => read(file)).map(({ name }) => name))
  t.same([...exceptions.keys()].filter((name) => !names.has(name)), [], 'all of them are sessions')
  t.equal(EXCEPTIONS.flatMap((exception) => exception.names).length, exceptions.size, 'each is named once')
})
