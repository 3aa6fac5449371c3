import t from 'tap'
import { FramingError } from '../../src/framing/index.js'
import { checkMalformed } from '../../src/testing/check-malformed.js'
import type { Decoder } from '../../src/testing/subject.js'
import { jsonLines, linesWith } from '../support/right-decoders.js'
import { caseOf } from '../support/samples.js'

const GOOD = { bytes: '1\n', messages: [1] }

t.test('checkMalformed: counts the cuts of all inputs', async (t) => {
  const { subject, samples } = caseOf(jsonLines, { ...GOOD, malformed: ['{\n', '[\n\n', { bytes: '1\n}\n', messages: [1], code: 'ERR_FRAME_MALFORMED' }] })
  t.equal(checkMalformed(subject, samples), 3 + 5 + 9)
  const none = caseOf(jsonLines, GOOD)
  t.equal(checkMalformed(none.subject, none.samples), 0)
})

const ROWS: readonly (readonly [name: string, malformed: object | string, says: RegExp])[] = [
  ['accepts it and delivers', '2\n', /accepts what is malformed, and delivers a message of it[^]*received: 2/],
  ['accepts it and is silent', { bytes: '' }, /accepts what is malformed: no error, and the input has ended[^]*chunks: +none/],
  ['refuses it at the end only', '3', /refuses only when the input ends/],
  ['gives another code than it must', { bytes: '}\n', code: 'ERR_OTHER' }, /refuses with ERR_FRAME_MALFORMED after 2 bytes, where it must be ERR_OTHER/],
  ['does not deliver what comes before', { bytes: '}\n', messages: [1] }, /message 0, before what is malformed, never comes[^]*expected: 1/],
  ['delivers another message before', { bytes: '1\n}\n', messages: [2] }, /\(messages\): message 0 is wrong/],
  ['delivers a message before', { bytes: '1\n}\n' }, /accepts what is malformed, and delivers a message of it[^]*received: 1/],
]

t.test('checkMalformed: finds a decoder that does not refuse as it should', async (t) => {
  for (const [name, malformed, says] of ROWS) {
    const { subject, samples } = caseOf(jsonLines, { ...GOOD, malformed: [malformed as string] })
    t.throws(() => checkMalformed(subject, samples), { message: says }, name)
  }
})

/** Refuses an exclamation mark; what it does afterwards is given. */
function refusing(readAfter: (reads: number) => string | null): () => Decoder<string> {
  return () => {
    let isBroken = false
    let reads = 0
    return {
      write(chunk) {
        isBroken ||= chunk.includes(33)
        if (isBroken) throw new FramingError('ERR_FRAME_MALFORMED', 'Refused')
      },
      read: () => (isBroken ? readAfter(reads++) : null),
      end() {},
    }
  }
}

t.test('checkMalformed: finds messages after the error', async (t) => {
  const options = { bytes: '', messages: [], malformed: ['!'] }
  const checked = (readAfter: (reads: number) => string | null): void => {
    const { subject, samples } = caseOf(refusing(readAfter), options)
    checkMalformed(subject, samples)
  }
  t.doesNotThrow(() => checked(() => null))
  t.throws(() => checked(() => 'again'), { message: /delivers message 0 after its error FramingError ERR_FRAME_MALFORMED: Refused/ })
  t.throws(() => checked((reads) => (reads === 1 ? 'late' : null)), { message: /goes on after its error FramingError .* when more bytes come, and delivers[^]*received: "late"/ })
})

t.test('checkMalformed: finds a decoder that spoils the next one', async (t) => {
  let isSpoilt = false
  const source = linesWith((inner) => ({
    read() {
      try {
        const line = inner.read()
        return line !== null && isSpoilt ? `${line}?` : line
      } catch (error) {
        isSpoilt = true
        throw error
      }
    },
  }))
  const { subject, samples } = caseOf(source, { bytes: 'a\n', messages: ['a'], malformed: ['a'.repeat(65)] })
  t.throws(() => checkMalformed(subject, samples), { message: /\(malformed\): a new decoder, made after one has refused "a+", is no longer right: message 0 is wrong[^]*expected: "a"\n +received: "a\?"/ })
})
