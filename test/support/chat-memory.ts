/**
 * What a channel holds, measured in a process of its own: `node chat-memory.js <story>` prints one line of JSON. No
 * assertions here.
 */

import { once } from 'node:events'
import { closeSync, createReadStream, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AsyncChat, type Source, createChatServer } from '../../src/index.js'
import { LINKS, type Link, listening } from './wire.js'

const MIB = 1024 * 1024
const WARM_UP_LENGTH = 64 * MIB

/** Highest resident memory over that of the first call, in MiB. */
function watchMemory(): () => number {
  const start = process.memoryUsage.rss()
  let highest = start
  return () => {
    highest = Math.max(highest, process.memoryUsage.rss())
    return (highest - start) / MIB
  }
}

/** Reads a lot, and rests after each: the next chunk waits for a turn of the event loop. */
function readSlowly(socket: Socket, onChunk: (length: number) => void): Promise<unknown> {
  socket.on('data', (chunk: Buffer) => {
    onChunk(chunk.length)
    socket.pause()
    setImmediate(() => socket.resume())
  })
  return once(socket, 'end')
}

/** Sends a source of so many bytes to a slow reader. */
async function send(link: Link, length: number, makeSource: (onMade: (length: number) => void) => Source): Promise<void> {
  let madeLength = 0
  let receivedLength = 0
  let aheadLength = 0
  const source = (): Source =>
    makeSource((chunkLength) => {
      madeLength += chunkLength
      aheadLength = Math.max(aheadLength, madeLength - receivedLength)
    })
  const server = createChatServer(
    (socket) =>
      new AsyncChat(socket, {
        handleConnect() {
          this.pushWithProducer(source())
          this.closeWhenDone()
        },
      }),
    link.options,
  )
  const port = await listening(server)
  const { socket } = await link.connect(port)
  // The reader's memory is in this process as well: what both need to get going is not what a longer source would add.
  let memory: (() => number) | undefined
  await readSlowly(socket, (chunkLength) => {
    receivedLength += chunkLength
    if (receivedLength >= WARM_UP_LENGTH) memory ??= watchMemory()
    if (receivedLength % (8 * MIB) < chunkLength) memory?.()
  })
  socket.destroy()
  await server.close()
  console.log(JSON.stringify({ received: receivedLength, wanted: length, aheadMiB: aheadLength / MIB, memoryMiB: memory?.() }))
}

/** Views on one buffer: what is measured is what the channel holds, not what the source makes. */
function views(length: number, onMade: (length: number) => void): AsyncIterable<Uint8Array> {
  const block = Buffer.alloc(64 * 1024, 'v')
  return (async function* () {
    for (let left = length; left > 0; left -= block.length) {
      onMade(block.length)
      yield block.subarray(0, Math.min(left, block.length))
    }
  })()
}

async function sendFile(link: Link, length: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'chat-memory-'))
  try {
    const path = join(directory, 'sparse')
    const file = openSync(path, 'w')
    ftruncateSync(file, length)
    closeSync(file)
    await send(link, length, () => createReadStream(path, { highWaterMark: 256 * 1024 }))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const ANSWER_LENGTH = 4096
const MAX_QUEUED_BYTES = 256 * 1024

/** A peer sends requests for as long as they are taken, and reads no answer; then it reads them all. */
async function ask(link: Link): Promise<void> {
  const answer = Buffer.alloc(ANSWER_LENGTH, 'a')
  let requestCount = 0
  let mostQueued = 0
  let channelSocket: Socket | null = null
  const server = createChatServer(
    (socket) => {
      channelSocket = socket
      return new AsyncChat(socket, {
        terminator: '\n',
        maxQueuedBytes: MAX_QUEUED_BYTES,
        handleFrame() {
          requestCount++
          this.push(answer)
          mostQueued = Math.max(mostQueued, this.queuedBytes)
        },
      })
    },
    link.options,
  )
  const port = await listening(server)
  const { socket } = await link.connect(port)
  const memory = watchMemory()
  const requests = Buffer.from('x'.repeat(1023) + '\n').toString().repeat(64)
  let sentCount = 0
  let stillCount = 0
  // Neither does the channel read on, nor can the peer send on, for many turns: it has stopped.
  for (let last = -1; stillCount < 300; ) {
    if (!socket.writableNeedDrain) {
      socket.write(requests)
      sentCount += 64
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 1)
    })
    stillCount = last === requestCount ? stillCount + 1 : 0
    last = requestCount
    memory()
  }
  const stopped = { answered: requestCount, sent: sentCount, readBytes: (channelSocket as Socket | null)?.bytesRead, mostQueued }
  const memoryMiB = memory()
  let receivedLength = 0
  socket.on('data', (chunk: Buffer) => (receivedLength += chunk.length))
  socket.end()
  await once(socket, 'end')
  socket.destroy()
  await server.close()
  console.log(JSON.stringify({ ...stopped, memoryMiB, received: receivedLength, wanted: sentCount * ANSWER_LENGTH }))
}

const STORIES: Record<string, (link: Link) => Promise<void>> = {
  file: (link) => sendFile(link, (link.name === 'TCP' ? 1024 : 192) * MIB),
  views: (link) => {
    const length = (link.name === 'TCP' ? 1024 : 192) * MIB
    return send(link, length, (onMade) => views(length, onMade))
  },
  ask,
}

const [story = '', linkName] = process.argv.slice(2)
const link = LINKS.find(({ name }) => name === linkName)
const play = STORIES[story]
if (link !== undefined && play !== undefined) await play(link)
