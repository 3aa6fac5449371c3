import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import t from 'tap'
import { knownLength, openSource } from '../../src/producers/open-source.js'
import { IteratorPuller } from '../../src/producers/pull-iterator.js'
import { MorePuller } from '../../src/producers/pull-more.js'
import { ReadablePuller } from '../../src/producers/pull-readable.js'
import { BlobPuller, WebStreamPuller } from '../../src/producers/pull-web-stream.js'
import { END } from '../../src/producers/puller.js'

const once = (): (() => string | null) => {
  const rest = ['a']
  return () => rest.shift() ?? null
}

const rows: readonly [name: string, source: () => object, Class: abstract new (...args: never) => unknown][] = [
  ['a producer', () => ({ more: once() }), MorePuller],
  ['a function', once, MorePuller],
  ['a Readable', () => Readable.from(['a']), ReadablePuller],
  ['a ReadableStream', () => new Blob(['a']).stream(), WebStreamPuller],
  ['a Blob', () => new Blob(['a']), BlobPuller],
  ['an async iterable', () => (async function* () {
    yield 'a'
  })(), IteratorPuller],
  ['an iterable', () => ['a'], IteratorPuller],
]

for (const [name, source, Class] of rows) {
  t.test(`openSource: opens ${name}`, async (t) => {
    const puller = openSource(source())
    t.ok(puller instanceof Class)
    let text = ''
    for (let value = puller.read(await puller.pull()); value !== END; value = puller.read(await puller.pull())) text += Buffer.from(value as Uint8Array).toString()
    t.equal(text, 'a')
  })
}

t.test('openSource: calls a function without a this', async (t) => {
  openSource(function (this: unknown) {
    t.equal(this, undefined)
  }).pull()
})

t.test('knownLength: is that of a Blob', async (t) => {
  t.equal(knownLength(new Blob(['abc'])), 3)
  for (const source of [['abc'], new ReadableStream(), () => null]) t.equal(knownLength(source), null)
})
