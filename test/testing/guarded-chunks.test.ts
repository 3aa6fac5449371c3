import t from 'tap'
import { bytesOf, chunksOf } from '../../src/testing/guarded-chunks.js'

t.test('bytesOf: makes UTF-8 of a string, in the class of another', async (t) => {
  t.same(bytesOf('é'), Uint8Array.of(0xc3, 0xa9))
  t.equal(bytesOf('é').constructor, Uint8Array)
  t.ok(Buffer.isBuffer(bytesOf('é', Buffer.alloc(0))))
  t.ok(Buffer.isBuffer(bytesOf(Uint8Array.of(1), Buffer.alloc(0))))
  t.equal(bytesOf(Buffer.from('é'), new Uint8Array(0)).constructor, Uint8Array)
})

const make = (): ReturnType<typeof chunksOf> => chunksOf(Buffer.from('abc'), [1, 1])

t.test('GuardedChunks: tells whether they, or what is around them, were written', async (t) => {
  t.same(make().chunks.map(String), ['a', '', 'bc'])
  t.equal(make().isWritten, false)
  for (const [chunk, index] of [[0, 0], [2, 1], [0, -1], [0, 1], [2, 2]] as const) {
    const made = make()
    const written = made.chunks[chunk] as Uint8Array
    new Uint8Array(written.buffer)[written.byteOffset + index] = 0x7a
    t.equal(made.isWritten, true, `chunk ${chunk} at ${index}`)
    t.same(made.unwritten.map((one) => Buffer.from(one).toString()), ['a', '', 'bc'], 'as they were')
  }
})

t.test('chunksOf: copies', async (t) => {
  const bytes = Buffer.from('abc')
  const { chunks } = chunksOf(bytes, [])
  bytes.fill(0)
  t.same(chunks.map(String), ['abc'])
  t.same(chunksOf(new Uint8Array(0), []).chunks, [])
})
