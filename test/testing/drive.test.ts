import t from 'tap'
import { type Drive, type Pace, drive } from '../../src/testing/drive.js'
import type { Decoder } from '../../src/testing/subject.js'

/** Writes down the calls, and answers as the script says: an Error is thrown. */
function scripted(calls: string[], script: (call: string) => unknown): Decoder<unknown> {
  const answer = (call: string): unknown => {
    calls.push(call)
    const given = script(call)
    if (given instanceof Error) throw given
    return given
  }
  return { write: (chunk) => answer(`write ${Buffer.from(chunk).toString()}`) as undefined, read: () => answer('read'), end: () => answer('end') as undefined }
}

/** A message a byte. */
function bytewise(calls: string[]): Decoder<unknown> {
  const queue: string[] = []
  return scripted(calls, (call) => {
    if (call.startsWith('write ')) queue.push(...call.slice(6).split(''))
    return call === 'read' ? (queue.shift() ?? null) : undefined
  })
}

const CHUNKS = [Buffer.from('ab'), Buffer.from('c')]
const EXPECTED = ['a', 'b', 'c']

const PACES: Readonly<Record<Pace, readonly [calls: string, at: readonly number[]]>> = {
  eager: ['read read write ab read read read read write c read read read end read read', [2, 2, 3]],
  lazy: ['write ab write c read read read read end read read', [3, 3, 3]],
  're-entrant': ['read write ab read write c read read read end read read', [2, 3, 3]],
  unread: ['write ab write c end read read read read read', [Infinity, Infinity, Infinity]],
}

for (const [pace, [wanted, at]] of Object.entries(PACES)) {
  t.test(`drive: writes and reads in the pace ${pace}`, async (t) => {
    const calls: string[] = []
    const trace = drive(bytewise(calls), CHUNKS, { expected: EXPECTED, pace: pace as Pace })
    t.same(trace, { messages: EXPECTED, at, wasRight: [true, true, true], failure: null, afterwards: [], breach: null })
    t.equal(calls.join(' '), wanted)
  })
}

const run = (script: (call: string, count: number) => unknown, options: Partial<Drive<unknown>> = {}): ReturnType<typeof drive<unknown>> & { calls: string[] } => {
  const calls: string[] = []
  const decoder = scripted(calls, (call) => script(call, calls.length))
  return { ...drive(decoder, CHUNKS, { expected: [], ...options }), calls }
}

t.test('drive: stops at one message too many', async (t) => {
  for (const pace of ['eager', 'lazy', 're-entrant'] as const) {
    const { messages, breach } = run((call) => (call === 'read' ? 'again' : undefined), { pace, expected: ['again'] })
    t.same([messages, breach], [['again', 'again'], null], pace)
  }
  t.same(run((call, count) => (call === 'read' && count > 8 ? 'late' : null)).messages, ['late'], 'at the end of input')
})

t.test('drive: leaves the input open where it is told to', async (t) => {
  t.notOk(run(() => null, { hasEnd: false }).calls.includes('end'))
})

t.test('drive: notes what a read may not give', async (t) => {
  t.match(run(() => undefined), { breach: /gives undefined/, failure: null })
  const alternating = run((call, count) => (call === 'read' && count === 2 ? 'a' : null), { expected: ['a'] })
  t.match(alternating, { breach: /gives null although a message is there/, messages: ['a'] })
  const last = run((call, count) => (call === 'read' && count === 10 ? 'a' : null), { expected: ['a'] })
  t.match(last, { breach: null, messages: ['a'], at: [Infinity] })
  for (const name of ['write ab', 'read', 'end']) {
    t.match(run((call) => (call === name ? Promise.reject(new Error('late')) : null)), { breach: /gives a Promise/, failure: null }, name)
  }
  const late = run((call, count) => (call === 'read' && count === 11 ? 'a' : null), { expected: ['a'] })
  t.match(late, { breach: /after null at the end of input/ })
})

t.test('drive: notes where an error was thrown, and what comes after it', async (t) => {
  const error = new Error('no')
  const silent = run((call) => (call === 'write c' ? error : null), { probe: Buffer.from('good') })
  t.match(silent, { failure: { error, at: 3, before: 0 }, afterwards: [], messages: [] })
  t.same(silent.calls.slice(-5), ['read', 'write good', 'read', 'end', 'read'])
  const loud = run((call) => (call === 'end' ? error : null))
  t.match(loud, { failure: { at: Infinity } })
  t.equal(loud.calls.at(-1), 'read', 'no good bytes, none written')
  const living = run((call, count) => (call === 'write ab' ? error : call === 'read' && count > 4 ? `m${count}` : null), { expected: ['m'], probe: Buffer.from('good') })
  t.same([living.messages, living.afterwards], [[], ['m6', 'm8']])
})

t.test('drive: takes what was complete before an error, after it', async (t) => {
  const queue = ['a', 'b']
  const trace = run((call) => (call === 'write ab' ? new Error('no') : queue.shift()) ?? null, { expected: ['a', 'b'], pace: 'lazy' })
  t.match(trace, { messages: ['a', 'b'], failure: { before: 0, at: 2 } })
})

const merge = (previous: unknown, next: unknown): unknown => (next === 'c' ? undefined : `${previous as string}${next as string}`)

t.test('drive: joins pieces', async (t) => {
  t.match(drive(bytewise([]), CHUNKS, { expected: ['ab', 'c'], merge }), { messages: ['ab', 'c'], wasRight: [true, true], at: [2, 3] })
})
