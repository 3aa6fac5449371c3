import t from 'tap'
import { FramingError } from '../../src/framing/index.js'
import { checkTruncations } from '../../src/testing/check-truncations.js'
import type { Decoder } from '../../src/testing/subject.js'
import { HandWrittenLines, lines, textLines } from '../support/right-decoders.js'
import { caseOf } from '../support/samples.js'

const LINES = { bytes: 'ab\ncd\n', messages: ['ab', 'cd'] }
const ENDS = [3, 6]

t.test('checkTruncations: ends the input at every byte, and counts what was dropped in silence', async (t) => {
  const loud = caseOf(lines, LINES)
  t.same(checkTruncations(loud.subject, loud.samples, ENDS), { tried: 6, silent: 0 })
  const silent = caseOf(() => Object.assign(new HandWrittenLines(), { end() {} }), LINES)
  t.same(checkTruncations(silent.subject, silent.samples, ENDS), { tried: 6, silent: 4 })
})

t.test('checkTruncations: ends a long input at some bytes', async (t) => {
  const { subject, samples } = caseOf(lines, { bytes: 'ab\n'.repeat(400), messages: Array.from({ length: 400 }, () => 'ab') })
  t.match(checkTruncations(subject, samples, Array.from({ length: 400 }, (_, index) => 3 * index + 3)), { tried: 1024 })
})

/** Lines; at the end what is given is done. */
const ending = (atEnd: (rest: string, lines: string[], chunks: number) => void): (() => Decoder<string>) => () => {
  const queue: string[] = []
  let rest = ''
  let chunks = 0
  return {
    write(chunk) {
      chunks++
      const parts = (rest + Buffer.from(chunk).toString()).split('\n')
      rest = parts.pop() as string
      queue.push(...parts)
    },
    read: () => queue.shift() ?? null,
    end: () => atEnd(rest, queue, chunks),
  }
}

const ROWS: readonly (readonly [name: string, source: () => Decoder<string>, says: RegExp])[] = [
  ['delivers what is cut', ending((rest, queue) => void (rest !== '' && queue.push(rest))), /the input ends after 1 bytes, and message 0 is delivered at the end of input although it is not whole[^]*received: "a"/],
  ['is louder at some cuts', ending((rest, _queue, chunks) => {
    if (rest !== '' && chunks > 1) throw new FramingError('ERR_FRAME_INCOMPLETE', 'cut')
  }), /the end of input after 2 bytes gives "ERR_FRAME_INCOMPLETE" for single bytes, no error for one chunk/],
]

t.test('checkTruncations: finds what should not come of an end', async (t) => {
  for (const [name, source, says] of ROWS) {
    const { subject, samples } = caseOf(source, LINES)
    t.throws(() => checkTruncations(subject, samples, ENDS), { message: says }, name)
  }
})

const holding = (change: (line: string, isLast: boolean) => string | null) => (): Decoder<string> => {
  const inner = new HandWrittenLines()
  let written = 0
  return {
    write(chunk) {
      written += chunk.length
      inner.write(chunk)
    },
    read() {
      const line = inner.read()
      return line === null ? null : change(line, written === 6)
    },
    end() {},
  }
}

t.test('checkTruncations: finds messages that are lost, or others, when the input ends', async (t) => {
  const lost = caseOf(holding((line, isLast) => (isLast ? line : null)), LINES)
  t.throws(() => checkTruncations(lost.subject, lost.samples, ENDS), { message: /the input ends after 3 bytes, and message 0 never comes although it is whole[^]*expected: "ab"/ })
  const other = caseOf(holding((line, isLast) => (isLast ? line : `${line}?`)), LINES)
  t.throws(() => checkTruncations(other.subject, other.samples, ENDS), { message: /the input ends after 3 bytes, and message 0 is wrong[^]*received: "ab\?"/ })
})

t.test('checkTruncations: compares what an end makes of a cut message, where that is said', async (t) => {
  const right = caseOf(textLines, { ...LINES, cutMessage: (rest) => Buffer.from(rest).toString() })
  t.same(checkTruncations(right.subject, right.samples, ENDS), { tried: 6, silent: 4 })
  const wrong = caseOf(textLines, { ...LINES, cutMessage: () => '?' })
  t.throws(() => checkTruncations(wrong.subject, wrong.samples, ENDS), { message: /after 1 bytes, and message 0 is wrong[^]*expected: "\?"\n +received: "a"/ })
})

t.test('checkTruncations: leaves the last message out where nothing is known of it', async (t) => {
  const open = caseOf(textLines, { bytes: 'abc', messages: ['abc'] })
  t.same(checkTruncations(open.subject, open.samples, [Infinity]), { tried: 3, silent: 2 })
  const merged = caseOf(textLines, LINES)
  t.same(checkTruncations(merged.subject, merged.samples, null), { tried: 6, silent: 0 })
})
