import t from 'tap'
import { SimpleProducer } from '../../src/producers/simple-producer.js'
import type { Chunk } from '../../src/producers/source.js'

const piecesOf = (producer: SimpleProducer): string[] => {
  const pieces: string[] = []
  for (let piece = producer.more(); piece !== null; piece = producer.more()) pieces.push(piece.toString('latin1'))
  return pieces
}

const rows: readonly [name: string, data: Chunk, bufferSize: number | undefined, want: string[]][] = [
  ['one piece of data that fits', 'abc', undefined, ['abc']],
  ['full pieces and a rest', 'abcdefgh', 3, ['abc', 'def', 'gh']],
  ['no empty piece at the end', 'abcdef', 3, ['abc', 'def']],
  ['single bytes', 'abc', 1, ['a', 'b', 'c']],
  ['512 bytes unless told', 'x'.repeat(1025), undefined, ['x'.repeat(512), 'x'.repeat(512), 'x']],
  ['nothing of an empty string', '', undefined, []],
  ['nothing of no bytes', new Uint8Array(0), undefined, []],
  ['UTF-8, cut anywhere', '€', 2, ['\xe2\x82', '\xac']],
  ['the bytes of a view', new Uint16Array([0x6161, 0x6262]).subarray(1), 1, ['b', 'b']],
  ['the bytes of an ArrayBuffer', Uint8Array.of(97, 98).buffer, 9, ['ab']],
  ['the bytes of a DataView', new DataView(Uint8Array.of(97, 98, 99).buffer, 1, 1), 9, ['b']],
]

for (const [name, data, bufferSize, want] of rows) {
  t.test(`SimpleProducer: gives ${name}`, async (t) => {
    const producer = bufferSize === undefined ? new SimpleProducer(data) : new SimpleProducer(data, bufferSize)
    t.same(piecesOf(producer), want)
    t.equal(producer.more(), null, 'it stays exhausted')
  })
}

t.test('SimpleProducer: gives views of the data', async (t) => {
  const data = Buffer.alloc(10)
  t.equal(new SimpleProducer(data, 4).more()?.buffer, data.buffer)
})

t.test('SimpleProducer: refuses what is no data and no size', async (t) => {
  for (const data of [undefined, null, 5, [], {}]) {
    t.throws(() => new SimpleProducer(data as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /"data"/ })
  }
  for (const size of [0, -1, 1.5, Number.NaN, Infinity]) {
    t.throws(() => new SimpleProducer('a', size), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: /"bufferSize"/ })
  }
  for (const size of ['5', null, 5n]) {
    t.throws(() => new SimpleProducer('a', size as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /"bufferSize"/ })
  }
})
