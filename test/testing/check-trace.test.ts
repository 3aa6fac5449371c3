import t from 'tap'
import { checkTrace, codeOf, place } from '../../src/testing/check-trace.js'
import type { Trace } from '../../src/testing/drive.js'
import { chunksOf } from '../../src/testing/guarded-chunks.js'

const WANTED = { messages: ['a', 'b'], ends: [2, 4] }
const right = (): Trace<string> => ({ messages: ['a', 'b'], at: [3, 4], wasRight: [true, true], failure: null, afterwards: [], breach: null })

interface Row {
  readonly name: string
  readonly change: Partial<Trace<string>>
  readonly says: RegExp
}

const ROWS: readonly Row[] = [
  { name: 'a breach', change: { breach: 'gives nonsense' }, says: /^Decoder is wrong \(contract\): gives nonsense/ },
  { name: 'a wrong message', change: { messages: ['a', 'x'], wasRight: [true, false] }, says: /\(messages\): message 1 is wrong, after 4 bytes[^]*expected: "b"\n +received: "x"/ },
  { name: 'a message too many', change: { messages: ['a', 'b', 'c'], at: [3, 4, Infinity] }, says: /\(messages\): there is a message 2, at the end of input, where 2 are expected/ },
  { name: 'a changed message', change: { messages: ['z', 'b'] }, says: /\(changed\): message 0 was right/ },
  { name: 'an error', change: { failure: { error: new TypeError('no'), at: 4, before: 2 } }, says: /\(error\): refuses bytes that are right, after 4 bytes, 2 messages delivered[^]*received: TypeError: no/ },
  { name: 'a missing message', change: { messages: ['a'] }, says: /\(messages\): message 1 never comes[^]*expected: "b"/ },
  { name: 'an early message', change: { at: [0, 4] }, says: /\(early\): message 0 comes after 0 bytes, before its end: it is byte 2/ },
  { name: 'a late message', change: { at: [4, 4] }, says: /\(late\): message 0 comes after 4 bytes, and was complete after 3 bytes/ },
]

t.test('checkTrace: finds what is wrong, and says it', async (t) => {
  const fed = chunksOf(Buffer.from('a.b.'), [1, 3])
  t.doesNotThrow(() => checkTrace(right(), fed, WANTED))
  for (const { name, change, says } of ROWS) t.throws(() => checkTrace({ ...right(), ...change }, fed, WANTED), { message: says }, name)
  for (const at of [[0, 4], [4, 4]]) {
    t.doesNotThrow(() => checkTrace({ ...right(), at }, fed, WANTED, 'lazy'), 'nobody has read before')
    t.doesNotThrow(() => checkTrace({ ...right(), at }, fed, { ...WANTED, ends: null }), 'nobody knows')
  }
})

t.test('checkTrace: knows messages that the end of input ends', async (t) => {
  const fed = chunksOf(Buffer.from('a.b'), [])
  const wanted = { messages: ['a', 'b'], ends: [2, Infinity] }
  t.doesNotThrow(() => checkTrace({ ...right(), at: [3, Infinity] }, fed, wanted))
  t.throws(() => checkTrace({ ...right(), at: [3, 3] }, fed, wanted), { message: /\(early\): message 1 comes after 3 bytes, before its end: it is the end of input/ })
})

t.test('checkTrace: finds writing into the chunks, and shows them as they were', async (t) => {
  const fed = chunksOf(Buffer.from('a.b.'), [])
  fed.chunks[0]?.fill(0)
  t.throws(() => checkTrace(right(), fed, WANTED), { message: /\(input\): writes into[^]*chunks: +"a\.b\."/ })
})

t.test('codeOf: tells errors apart, whatever was thrown', async (t) => {
  t.same([Object.assign(new Error(), { code: 'E' }), new TypeError('x'), 'text', undefined].map(codeOf), ['E', 'TypeError', '"text"', 'undefined'])
  t.same([place(3), place(Infinity)], ['after 3 bytes', 'at the end of input'])
})
