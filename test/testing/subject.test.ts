import t from 'tap'
import { Subject, encodedBytes } from '../../src/testing/subject.js'
import { HandWrittenLines, lines } from '../support/right-decoders.js'

t.test('Subject: makes a new decoder each time, of whatever it was given', async (t) => {
  for (const source of [lines, () => lines, () => new HandWrittenLines()]) {
    const subject = new Subject(source, {})
    const [one, other] = [subject.decoder(), subject.decoder()]
    t.not(one, other)
    one.write(Buffer.from('a\n'))
    t.same([one.read(), other.read()], ['a', null])
  }
})

t.test('Subject: gives its limits to the scanner of a codec', async (t) => {
  const decoder = new Subject(lines, { maxFrameLength: 1 }).decoder()
  decoder.write(Buffer.from('ab\n'))
  t.throws(() => decoder.read(), { code: 'ERR_FRAME_TOO_LONG' })
  t.throws(() => new Subject(lines, { maxFrameLength: 0 }), { code: 'ERR_OUT_OF_RANGE' })
})

t.test('Subject: has an encoder where the source is a codec', async (t) => {
  t.equal(new Subject(() => lines, {}).encoder()?.encode('a'), 'a\n')
  t.equal(new Subject<string, string>(() => new HandWrittenLines(), {}).encoder(), null)
})

t.test('Subject: refuses a decoder that could be used once only, and what is none', async (t) => {
  t.throws(() => new Subject(new HandWrittenLines() as never, {}), { code: 'ERR_INVALID_ARG_TYPE', message: /function that makes a new decoder/ })
  for (const source of [() => ({}), { decode: 1 }, () => ({ write() {}, read() {} }), null, () => 1]) {
    t.throws(() => new Subject(source as never, {}), { code: 'ERR_INVALID_ARG_TYPE' })
  }
})

t.test('encodedBytes: joins whatever an encoder may give', async (t) => {
  const memory = Uint8Array.of(1, 2, 3)
  async function* slowly(): AsyncGenerator<string | Uint8Array> {
    yield 'é'
    yield memory
    memory[0] = 9
  }
  t.same(await encodedBytes('é'), Buffer.from('é'))
  t.same(await encodedBytes(memory.subarray(1)), Uint8Array.of(2, 3))
  t.same(await encodedBytes(memory.buffer), memory)
  t.same(await encodedBytes([new DataView(memory.buffer, 2), memory.buffer.slice(0, 1), '']), Uint8Array.of(3, 1))
  t.same(await encodedBytes(slowly()), Uint8Array.of(0xc3, 0xa9, 1, 2, 3), 'as it was when it was given')
})
