import { ReadableStream } from 'node:stream/web'
import t from 'tap'
import { BlobPuller, WebStreamPuller } from '../../src/producers/pull-web-stream.js'
import { END } from '../../src/producers/puller.js'

t.test('WebStreamPuller: gives the chunks of a stream, and lets it go at the end', async (t) => {
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue('a')
      controller.close()
    },
  })
  const puller = new WebStreamPuller(stream)
  t.equal(stream.locked, true, 'from the start')
  t.equal(puller.read(await puller.pull()), 'a')
  t.equal(puller.read(await puller.pull()), END)
  t.equal(stream.locked, false)
})

t.test('WebStreamPuller: cancels the stream', async (t) => {
  let count = 0
  const stream = new ReadableStream({ cancel: () => void count++ })
  const puller = new WebStreamPuller(stream)
  puller.release()
  puller.release()
  t.equal(count, 1)
})

t.test('WebStreamPuller: rejects with the error of the stream', async (t) => {
  const puller = new WebStreamPuller(new ReadableStream({ start: (controller) => controller.error(new Error('of the stream')) }))
  await t.rejects(puller.pull() as Promise<unknown>, { message: 'of the stream' })
})

t.test('BlobPuller: gives the bytes of a Blob', async (t) => {
  const puller = new BlobPuller(new Blob(['ab', 'c']))
  let text = ''
  for (let value = puller.read(await puller.pull()); value !== END; value = puller.read(await puller.pull())) text += Buffer.from(value as Uint8Array).toString()
  t.equal(text, 'abc')
})

t.test('BlobPuller: opens the Blob at the first pull, and cancels only what is open', async (t) => {
  let log = ''
  const stream = (): ReadableStream => {
    log += 'open '
    return new ReadableStream({ cancel: () => void (log += 'cancel ') })
  }
  const blob = (): never => ({ size: 1, arrayBuffer: async () => new ArrayBuffer(1), stream }) as never
  new BlobPuller(blob()).release()
  t.equal(log, '')
  const puller = new BlobPuller(blob())
  puller.pull()
  t.equal(log, 'open ')
  puller.release()
  t.equal(log, 'open cancel ')
})
