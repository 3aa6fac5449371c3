// asynchat's channel: fed from memory, and writing to a real socket.
import { Duplex } from 'node:stream'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { AsyncChat } from '../../../dist/index.js'
import { keep } from '../feed.mjs'

/** A transport whose peer sends the input's chunks, one a `_read()`, and takes what it gets. */
class FedTransport extends Duplex {
  #input
  #budget
  #index = 0

  constructor(input, budget) {
    super({ allowHalfOpen: true })
    this.#input = input
    this.#budget = budget
  }

  _read() {
    if (this.#index === this.#input.length || this.#budget.isSpent(this.#index, this.#input)) this.push(null)
    else this.push(this.#input.at(this.#index++))
  }

  _write(chunk, encoding, done) {
    done()
  }
}

async function runChat(input, budget, options) {
  const chat = keep(new AsyncChat(keep(new FedTransport(input, budget)), options))
  const { error } = await chat.whenClosed
  if (error !== undefined) throw error
}

const chatContender = (name, run) => ({ name, side: 'ours', frames: 'bytes', run })

/** Each frame by `handleFrame`; what the end cuts is collected. */
export function chatFrames(name, terminator) {
  return chatContender(name, (input, tally, budget) => runChat(input, budget, {
    terminator,
    handleFrame(frame) { tally.take(frame) },
    handleEnd() { tally.take(this.takeCollected()); this.closeWhenDone() },
  }))
}

/** Each frame by the pair of hooks, collected as the manual says. */
export function chatPair(name, terminator) {
  return chatContender(name, (input, tally, budget) => runChat(input, budget, {
    terminator,
    collectIncomingData(data) { this.collect(data) },
    foundTerminator() { tally.take(this.takeCollected()) },
    handleEnd() { tally.take(this.takeCollected()); this.closeWhenDone() },
  }))
}

/** Each frame awaited. */
export function chatReads(name, terminator) {
  return chatContender(name, (input, tally, budget) => runChat(input, budget, {
    async handleConnect() {
      for (;;) {
        let frame
        try {
          frame = await this.readFrame(terminator)
        } catch (error) {
          if (error.code !== 'ERR_FRAME_INCOMPLETE') throw error
          // The last line of the input has no end.
          frame = error.bytes
          await this.readFrame(frame.length)
          tally.take(frame)
          return
        }
        if (frame === null) return
        tally.take(frame)
      }
    },
  }))
}

/** A splitter between the same transport and 'data': what a channel costs over it is the channel's. */
export function pipedSplitter(name, makeSplitter) {
  const run = (input, tally, budget) => {
    const splitter = makeSplitter()
    splitter.on('data', (frame) => tally.take(frame))
    keep(new FedTransport(input, budget)).pipe(keep(splitter))
    return once(splitter, 'end')
  }
  return { name, side: 'ours', frames: 'bytes', run }
}


/** A connection on the loopback; `received` resolves with how many bytes came when it has ended. */
export async function openLink() {
  let resolveLength
  const received = new Promise((resolve) => { resolveLength = resolve })
  const server = createServer((peer) => {
    let length = 0
    peer.on('data', (chunk) => { length += chunk.length })
    peer.on('end', () => { resolveLength(length); peer.end() })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect({ port: server.address().port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return { socket, received, close: () => new Promise((resolve) => { server.close(resolve) }) }
}

/** Counts the writes on a socket that are the library's or the program's own. */
export function countWrites(socket) {
  const counter = { count: 0 }
  const write = socket.write.bind(socket)
  socket.write = (...args) => {
    counter.count += 1
    return write(...args)
  }
  return counter
}
