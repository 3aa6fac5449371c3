import { once } from 'node:events'
import { Duplex } from 'node:stream'
import t from 'tap'
import { type Framed, framed, netstring } from '../../src/index.js'
import { turn } from '../support/consumers.js'
import { until } from '../support/until.js'

const COUNT = 20
/** So long that the first ones fill the output, and the others wait in the stream's own buffer. */
const MESSAGE = Buffer.alloc(30_000, 'm')
const MESSAGE_LENGTH = '30000:,'.length + MESSAGE.length

/** A transport that takes one write a turn, or none. */
class Slow extends Duplex {
  readonly taken: Buffer[] = []
  takes = true

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk)
    if (this.takes) setImmediate(done)
  }
}

interface Outcomes {
  written: number
  readonly errors: unknown[]
}

function writeAll(stream: Framed<Uint8Array>): Outcomes {
  const outcomes: Outcomes = { written: 0, errors: [] }
  for (let index = 0; index < COUNT; index++) {
    stream.write(MESSAGE, (error) => {
      if (error) outcomes.errors.push((error as NodeJS.ErrnoException).code)
      else outcomes.written++
    })
  }
  return outcomes
}

t.test('Framed: calls every write back when it is destroyed', async (t) => {
  for (const error of [undefined, new Error('enough')]) {
    const transport = new Slow()
    transport.takes = false
    const stream = framed(transport, netstring())
    let told: unknown
    stream.on('error', (one) => (told = one))
    await turn()
    const outcomes = writeAll(stream)
    await turn()
    stream.destroy(error)
    await once(stream, 'close').catch(() => {})
    await turn()
    t.equal(outcomes.written + outcomes.errors.length, COUNT)
    t.ok(outcomes.errors.length > 2, `${outcomes.errors.length} errors`)
    t.equal(told, error)
  }
})

t.test('Framed: sends what waits in its own buffer before it is detached', async (t) => {
  const transport = new Slow()
  const stream = framed(transport, netstring())
  await turn()
  const outcomes = writeAll(stream)
  await stream.detach()
  t.equal(Buffer.concat(transport.taken).length, COUNT * MESSAGE_LENGTH)
  t.same(outcomes, { written: COUNT, errors: [] })
  t.notOk(transport.destroyed)
})

t.test('Framed: sends what waits in its own buffer before the last message to a peer that broke the protocol', async (t) => {
  const transport = new Slow()
  const stream = framed(transport, netstring(), { errorReply: () => Buffer.from('bye') })
  let told: unknown
  stream.on('error', (error: NodeJS.ErrnoException) => (told = error.code)).resume()
  await turn()
  const outcomes = writeAll(stream)
  transport.push('x:')
  await until('it is closed', () => stream.closed)
  const sent = Buffer.concat(transport.taken)
  t.equal(sent.length, COUNT * MESSAGE_LENGTH + '3:bye,'.length)
  t.equal(String(sent.subarray(-6)), '3:bye,')
  t.same([outcomes, told], [{ written: COUNT, errors: [] }, 'ERR_FRAME_MALFORMED'])
})

t.test('Framed: has one last message for a peer that broke the protocol, however it is read', async (t) => {
  for (const consume of ['iterate', 'flow', 'batches'] as const) {
    const transport = new Slow()
    let asked = 0
    const stream = framed(transport, netstring(), { errorReply: () => Buffer.from(`bye ${++asked}`) })
    const told: unknown[] = []
    stream.on('error', (error: NodeJS.ErrnoException) => told.push(error.code))
    transport.push('2:hi,x:')
    const messages: unknown[] = []
    if (consume === 'flow') stream.on('data', (message: Buffer) => messages.push(String(message)))
    else {
      const read = async (): Promise<void> => {
        for await (const message of consume === 'iterate' ? stream : stream.batches()) messages.push(String(message))
      }
      await t.rejects(read(), { code: 'ERR_FRAME_MALFORMED' })
    }
    for (let count = 0; count < 10; count++) transport.push('more')
    await until('it is closed', () => told.length > 0 && stream.closed)
    t.same([messages, told, asked, String(Buffer.concat(transport.taken))], [['hi'], ['ERR_FRAME_MALFORMED'], 1, '5:bye 1,'], consume)
  }
})

t.test('Framed: rejects a detach() that waits when the stream is destroyed', async (t) => {
  const transport = new Slow()
  transport.takes = false
  const stream = framed(transport, netstring())
  await turn()
  writeAll(stream)
  const detached = stream.detach()
  transport.destroy()
  await t.rejects(detached, { code: 'ERR_CHANNEL_CLOSED' })
})

t.test('Framed: fails a write to a peer that has gone, though its messages are not all read', async (t) => {
  const transport = new Slow()
  const stream = framed(transport, netstring())
  stream.on('error', () => {})
  transport.push('2:hi,2:ho,')
  transport.push(null)
  const iterator = stream.iterator({ destroyOnReturn: false })
  await iterator.next()
  await until('its end has come', () => transport.readableEnded)
  transport.destroy()
  await once(transport, 'close')
  const failed = new Promise((resolve) => void stream.write(MESSAGE, resolve))
  t.match(await failed, { code: 'ERR_CHANNEL_CLOSED' })
})

t.test('Framed: ends well with a peer that has gone, when all was read and nothing is unsent', async (t) => {
  const transport = new Slow()
  const stream = framed(transport, netstring())
  transport.push('2:hi,2:ho,')
  transport.push(null)
  const messages: unknown[] = []
  for await (const message of stream.iterator({ destroyOnReturn: false })) {
    messages.push(String(message))
    await until('its end has come', () => transport.readableEnded)
    transport.destroy()
  }
  t.same(messages, ['hi', 'ho'])
  stream.end()
  await until('it is closed', () => stream.closed)
  t.equal(stream.errored, null)
})

t.test('Framed: fails where the end of input cuts a message, with a last message and without', async (t) => {
  for (const options of [{}, { errorReply: () => Buffer.from('bye') }]) {
    const transport = new Slow()
    const stream = framed(transport, netstring(), options)
    transport.push('2:hi,2:h')
    transport.push(null)
    const messages: unknown[] = []
    const read = async (): Promise<void> => {
      for await (const message of stream) messages.push(String(message))
    }
    await t.rejects(read(), { code: 'ERR_FRAME_INCOMPLETE' })
    t.same([messages, String(Buffer.concat(transport.taken))], [['hi'], 'errorReply' in options ? '3:bye,' : ''])
  }
})

t.test('Framed: fails with what the peer has done, though it ends and closes before it is told', async (t) => {
  for (const leave of [(wire: Slow) => void wire.push(null), (wire: Slow) => void wire.destroy(), (wire: Slow) => void wire.destroy(new Error('reset'))]) {
    const transport = new Slow()
    const stream = framed(transport, netstring(), { errorReply: () => Buffer.from('bye') })
    transport.push('x:')
    const read = stream.iterator().next()
    await turn()
    leave(transport)
    await t.rejects(read, { code: 'ERR_FRAME_MALFORMED' }, String(leave))
  }
})
