import { EventEmitter, once } from 'node:events'
import { PassThrough, Readable as NodeReadable } from 'node:stream'
import t from 'tap'
import { ReadablePuller } from '../../src/producers/pull-readable.js'
import { END } from '../../src/producers/puller.js'
import { Readable } from '../../src/streams/base.js'
import { turns } from '../support/consumers.js'

/** Pulls as the queue does: an answer without bytes means to ask again. */
const pull = async (puller: ReadablePuller): Promise<unknown> => {
  for (;;) {
    const value = puller.read(await puller.pull())
    if (value === END || String(value) !== '') return value
  }
}
const pullAll = async (puller: ReadablePuller): Promise<string> => {
  let text = ''
  for (let value = await pull(puller); value !== END; value = await pull(puller)) text += String(value)
  return text
}

const CLASSES = { 'node:stream': NodeReadable, 'the base class': Readable }

for (const [name, Class] of Object.entries(CLASSES)) {
  t.test(`ReadablePuller: reads a Readable of ${name} to its end`, async (t) => {
    const rest = ['a', 'b', null]
    const stream = new Class({ read: () => void setImmediate(() => stream.push(rest.shift())) })
    t.equal(await pullAll(new ReadablePuller(stream)), 'ab')
    await turns(3)
    for (const event of ['readable', 'error', 'end', 'close']) t.equal(stream.listenerCount(event), 0, event)
  })

  t.test(`ReadablePuller: keeps an error of ${name} for its turn`, async (t) => {
    const stream = new Class({ read: () => {} })
    const puller = new ReadablePuller(stream)
    stream.push('lost')
    stream.destroy(new Error('early'))
    await turns(3)
    t.throws(() => puller.pull(), { message: 'early' })
  })

  t.test(`ReadablePuller: fails when ${name} is destroyed before its end`, async (t) => {
    const stream = new Class({ read: () => {} })
    const puller = new ReadablePuller(stream)
    const waiting = pull(puller)
    stream.destroy()
    await t.rejects(waiting, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  })

  t.test(`ReadablePuller: waits for the error of ${name} that is on its way`, async (t) => {
    const stream = new Class({ read: () => {} })
    const puller = new ReadablePuller(stream)
    stream.push('lost')
    stream.destroy(new Error('on its way'))
    await t.rejects(pull(puller), { message: 'on its way' })
  })

  t.test(`ReadablePuller: destroys ${name} when it is given up, and swallows the error of that`, async (t) => {
    let count = 0
    const stream = new Class({
      read: () => {},
      destroy(_error, done) {
        count++
        done(new Error('of the destroy'))
      },
    })
    const puller = new ReadablePuller(stream)
    puller.release()
    puller.release()
    await turns(3)
    t.same([count, stream.destroyed], [1, true])
  })
}

t.test('ReadablePuller: reads nothing before its turn, and then no more than the stream does by itself', async (t) => {
  let count = 0
  const stream = new NodeReadable({
    highWaterMark: 4,
    read() {
      count++
      this.push('ab')
    },
  })
  const puller = new ReadablePuller(stream)
  await turns(3)
  t.equal(count, 0)
  t.equal(String(await pull(puller)).length > 0, true)
  await turns(3)
  t.ok(count <= 6, `${count} pieces of 2 bytes`)
})

t.test('ReadablePuller: gives the chunks of an object-mode Readable one by one', async (t) => {
  const puller = new ReadablePuller(NodeReadable.from(['a', Buffer.from('b'), 'c']))
  t.same([await pull(puller), await pull(puller), await pull(puller), await pull(puller)], ['a', Buffer.from('b'), 'c', END])
})

t.test('ReadablePuller: gives the end of a stream that ended before its turn', async (t) => {
  const stream = new NodeReadable({ autoDestroy: false, read: () => {} })
  const puller = new ReadablePuller(stream)
  stream.push(null)
  stream.resume()
  await once(stream, 'end')
  t.equal(puller.pull(), END)
})

t.test('ReadablePuller: reads the readable side of a Duplex that stays writable', async (t) => {
  const stream = new PassThrough({ allowHalfOpen: true })
  stream.end('abc')
  t.equal(await pullAll(new ReadablePuller(stream)), 'abc')
})

t.test('ReadablePuller: reads what is a Readable only by its methods', async (t) => {
  const rest: (string | null)[] = ['a', null, 'b', null]
  const stream = Object.assign(new EventEmitter(), { pipe: () => {}, read: () => rest.shift() ?? null, destroy: () => {} })
  const puller = new ReadablePuller(stream as never)
  t.equal(await pull(puller), 'a')
  const waiting = pull(puller)
  stream.emit('readable')
  t.equal(await waiting, 'b')
  const last = pull(puller)
  stream.emit('end')
  t.equal(await last, END)
})
