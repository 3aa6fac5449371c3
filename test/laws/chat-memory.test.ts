/** What a channel holds does not grow with what goes through it, nor with what its peers do not read. */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { AsyncChat, type CloseInfo, type SlowMember, createChatServer } from '../../src/index.js'
import { turns } from '../support/consumers.js'
import { runNode } from '../support/run-node.js'
import { LINKS, eventually, listening } from '../support/wire.js'

const STORY = fileURLToPath(new URL('../support/chat-memory.js', import.meta.url))
const MOST_MIB = 64
const MIB = 1024 * 1024

/** Tells a story in a process of its own: the memory of this one says little. */
async function tell(story: string, link: string): Promise<Record<string, number>> {
  const { code, stdout, stderr } = await runNode(STORY, story, link)
  if (code !== 0) throw new Error(`${story} over ${link} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as Record<string, number>
}

for (const link of LINKS) {
  for (const [story, what] of [
    ['file', 'a file of 1 GiB'],
    ['views', '1 GiB from an async iterable'],
  ] as const) {
    t.test(`AsyncChat: over ${link.name}, ${link.name === 'TCP' ? what : what.replace('1 GiB', '192 MiB')} goes to a slow reader at flat memory`, async (t) => {
      const { received, wanted, aheadMiB, memoryMiB } = (await tell(story, link.name)) as { received: number; wanted: number; aheadMiB: number; memoryMiB: number }
      t.equal(received, wanted)
      t.ok(memoryMiB <= MOST_MIB, `${memoryMiB} MiB more than at the start`)
      // The kernel's buffers are most of it. Nobody counts what a file stream reads.
      if (story === 'views') t.ok(aheadMiB <= 16, `the source was asked for ${aheadMiB} MiB more than had arrived`)
    })
  }

  t.test(`AsyncChat: over ${link.name}, reads no more of a peer that reads no answer, and answers all when it does`, async (t) => {
    const { sent, answered, mostQueued, readBytes, memoryMiB, received, wanted } = (await tell('ask', link.name)) as Record<string, number> & {
      sent: number
      answered: number
      mostQueued: number
      readBytes: number
      memoryMiB: number
    }
    t.ok(answered < sent, `${answered} of ${sent} requests were answered before it stopped`)
    t.ok(mostQueued <= 256 * 1024 + 4096, `${mostQueued} bytes waited, one answer more than maxQueuedBytes at most`)
    // One chunk in the channel's hands and the stream's own buffer, beside the requests that were answered.
    t.ok(readBytes <= answered * 1024 + 256 * 1024, `${readBytes} bytes were read for ${answered} requests of 1 KiB`)
    t.ok(memoryMiB <= MOST_MIB, `${memoryMiB} MiB more than at the start`)
    t.equal(received, wanted)
  })

  for (const slow of ['close', 'skip', 'queue'] as const satisfies SlowMember[]) {
    t.test(`ChatServer: over ${link.name}, broadcast with slow: '${slow}' and one member that is stuck delivers to all others`, async (t) => {
      const server = createChatServer((socket) => new AsyncChat(socket, { terminator: '\n', maxQueuedBytes: MIB, handleFrame: () => {} }), link.options)
      server.on('channelError', () => {})
      const port = await listening(server)
      const connectOne = async (): Promise<Socket> => {
        const { socket } = await link.connect(port)
        return socket.on('error', () => {})
      }
      const stuck = await connectOne()
      await eventually('the first one has its channel', () => server.channels.size === 1)
      const [stuckChannel] = server.channels
      const received = new Map<Socket, number>()
      for (let i = 0; i < 4; i++) {
        const socket = await connectOne()
        received.set(socket, 0)
        socket.on('data', (chunk: Buffer) => received.set(socket, (received.get(socket) as number) + chunk.length))
      }
      await eventually('all have their channels', () => server.channels.size === 5)
      const block = Buffer.alloc(MIB, 'b')
      let mostQueued = 0
      const COUNT = 24
      for (let i = 0; i < COUNT; i++) {
        const count = server.broadcast(block, { slow })
        t.ok(count >= 4, `${count} of the members get it`)
        mostQueued = Math.max(mostQueued, (stuckChannel as AsyncChat).queuedBytes)
        await eventually('the others have it', () => [...received.values()].every((length) => length === (i + 1) * MIB))
      }
      if (slow === 'queue') t.ok(mostQueued > 8 * MIB, `${mostQueued} bytes wait for the one that is stuck`)
      else t.ok(mostQueued <= 2 * MIB, `${mostQueued} bytes wait for the one that is stuck`)
      t.equal((stuckChannel as AsyncChat).closed, slow === 'close')
      for (const socket of [stuck, ...received.keys()]) socket.destroy()
      await server.close({ drain: 0 })
    })
  }

  t.test(`AsyncChat: over ${link.name}, pushing to a channel whose peer has left gives false and never throws into the sender`, async (t) => {
    const LEAVINGS: { readonly name: string; readonly leave: (socket: Socket, raw: Socket) => unknown }[] = [
      { name: 'ended', leave: (socket) => socket.end() },
      { name: 'destroyed', leave: (socket) => socket.destroy() },
      { name: 'reset', leave: (_socket, raw) => raw.resetAndDestroy() },
    ]
    for (const { name, leave } of LEAVINGS) {
      const channels: AsyncChat[] = []
      const errors: unknown[] = []
      const results: unknown[] = []
      const callbacks: unknown[] = []
      const closes: CloseInfo[] = []
      const server = createChatServer(
        (socket) =>
          new AsyncChat(socket, {
            terminator: '\n',
            handleConnect() {
              channels.push(this)
            },
            handleFrame() {
              results.push(channels[0]?.push('for you', (error) => callbacks.push(error)))
              this.push('sent\n')
            },
            handleError: (error) => void errors.push(error),
            handleClose: (info) => void closes.push(info),
          }),
        link.options,
      )
      server.on('channelError', () => {})
      const port = await listening(server)
      const receiver = await link.connect(port)
      receiver.socket.on('error', () => {}).resume()
      await eventually('the receiver has its channel', () => channels.length === 1)
      const sender = await link.connect(port)
      await leave(receiver.socket, receiver.raw)
      // Sooner or later it is noticed; until then a push may be taken, and its callback tells.
      while (results.at(-1) !== false) {
        sender.socket.write('tell\n')
        await once(sender.socket, 'data')
      }
      await eventually('every callback has come', () => callbacks.length === results.length)
      await turns(5)
      t.equal(results.at(-1), false, name)
      t.ok(callbacks.at(-1) instanceof Error, `${name}: the callback gets the error`)
      t.ok((channels[1] as AsyncChat).connected, `${name}: the sender is as it was`)
      t.notOk(errors.some((error) => (error as { code?: unknown }).code === 'ERR_CHANNEL_CLOSED'), `${name}: nothing was thrown into the sender's hook`)
      sender.socket.destroy()
      await server.close({ drain: 0 })
      t.equal(closes.length, 2, `${name}: both are over`)
    }
  })
}
