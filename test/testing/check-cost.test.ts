import t from 'tap'
import { NULL } from '../../src/framing/index.js'
import { checkAllocation, checkCost } from '../../src/testing/check-cost.js'
import type { Decoder } from '../../src/testing/subject.js'
import { HandWrittenLines, jsonLines, lines, linesWith, netstring } from '../support/right-decoders.js'
import { caseOf } from '../support/samples.js'

const LINES = { bytes: 'ab\n', messages: ['ab'] }
/** Lines of one byte by loops of its own: nothing that could be counted, but what it says itself. */
const uncounted = (costOf: (written: number) => number) => (): Decoder<string> => {
  let first: string | null = null
  const queue: string[] = []
  let next = 0
  let written = 0
  return {
    write(chunk) {
      for (let index = 0; index < chunk.length; index++) {
        written++
        if (chunk[index] === 10) queue[queue.length] = first as string
        else first = chunk[index] === 97 ? 'a' : 'b'
      }
    },
    read: () => (next < queue.length ? (queue[next++] as string) : null),
    end() {},
    get bytesLookedAt() {
      return costOf(written)
    },
  }
}

t.test('checkCost: gives the work a byte, in numbers that do not change', async (t) => {
  const { subject, samples } = caseOf(lines, LINES)
  const cost = (await checkCost(subject, samples)) as number
  t.ok(cost > 0.5 && cost < 8, `${cost}`)
  t.equal(await checkCost(subject, samples), cost)
})

const costWith = async (costOf: (written: number) => number = () => 0): Promise<number | null> => {
  const { subject, samples } = caseOf(uncounted(costOf), { bytes: 'a\nb\n', messages: ['a', 'b'] })
  return checkCost(subject, samples)
}

t.test('checkCost: says where nothing can be counted, and takes the decoder\'s own count', async (t) => {
  t.equal(await costWith(), null)
  t.equal(await costWith((written) => 3 * written), 3)
  await t.rejects(costWith((written) => written ** 2), { message: /\(cost\): the cost of many messages in one chunk grows faster than the input: 262144 for 512 bytes, 4194304 for 2048/ })
  await t.resolves(costWith((written) => written * Math.log2(written)), 'nearly linear')
})

t.test('checkCost: needs no sample that it cannot make', async (t) => {
  const short = caseOf(() => new HandWrittenLines(), { ...LINES, repeats: false })
  t.equal(await checkCost(short.subject, short.samples), null, 'no long one, and none repeated')
  const values = caseOf(jsonLines, { bytes: '"a"\n', messages: ['a'], repeats: false })
  t.equal(await checkCost(values.subject, values.samples), null, 'a long one is refused')
  const none = caseOf(jsonLines, { bytes: 'null\n', messages: [NULL], repeats: false })
  t.equal(await checkCost(none.subject, none.samples), null, 'no text')
  const unwilling = caseOf({ ...lines, encode: (line: string) => {
    if (line.length > 600) throw new RangeError('Too long')
    return `${line}\n`
  } }, { ...LINES, repeats: false })
  t.equal(await checkCost(unwilling.subject, unwilling.samples), null, 'encoding it is refused')
  const bytes = caseOf(netstring, { bytes: '1:a,', messages: [Buffer.from('a')], repeats: false })
  t.ok(await checkCost(bytes.subject, bytes.samples), 'bytes')
})

const ROWS: readonly (readonly [name: string, messages: readonly string[], bytes: (length: number) => string, says: RegExp])[] = [
  ['refuses it', ['a'], (length) => `${'a'.repeat(length)}\n`, /\(error\): refuses a longer input \(513 bytes\)/],
  ['gives another', ['b'], () => 'a\n', /\(messages\): message 0 is wrong/],
  ['gives less', ['a', 'b'], () => 'a\n', /\(messages\): message 1 of a longer input never comes[^]*expected: "b"/],
]

t.test('checkCost: finds a decoder that is wrong with a long input', async (t) => {
  for (const [name, messages, bytes, says] of ROWS) {
    const { subject, samples } = caseOf(() => new HandWrittenLines(), { ...LINES, long: (length) => ({ bytes: bytes(length), messages }) })
    await t.rejects(checkCost(subject, samples), { message: says }, name)
  }
})

const greedy = (length: number): (() => Decoder<string>) =>
  linesWith((inner) => ({
    write(chunk) {
      try {
        Buffer.allocUnsafe(length)
      } catch {}
      inner.write(chunk)
    },
  }))

const checkGreedy = (length: number, maxAllocation: number): void => {
  const { subject, samples } = caseOf(greedy(length), { ...LINES, maxAllocation })
  checkAllocation(subject, samples)
}

t.test('checkAllocation: finds memory that is asked for by a length, even where it is not used', async (t) => {
  t.throws(() => checkGreedy(2 ** 31, 65_536), { message: /\(allocation\): asks for 2147483648 bytes of memory at once, 3 bytes of input received/ })
  t.throws(() => checkGreedy(1000, 100), { message: /asks for 1000 bytes/ })
  t.doesNotThrow(() => checkGreedy(1000, 1000))
})

t.test('checkAllocation: finds what is delivered of a length that nothing follows', async (t) => {
  const { subject, samples } = caseOf(lines, { ...LINES, declared: ['ab\n'] })
  t.throws(() => checkAllocation(subject, samples), { message: /there is a message 0, after 3 bytes, where 0 are expected/ })
  const long = caseOf(lines, { ...LINES, declared: ['a'.repeat(5000)], malformed: ['x'] })
  t.doesNotThrow(() => checkAllocation(long.subject, long.samples), 'a long one is fed whole')
})
