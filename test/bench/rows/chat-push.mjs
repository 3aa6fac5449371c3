// The channel's output: what do 100,000 short pushes to a real socket cost beside as many writes?
import { once } from 'node:events'
import { AsyncChat } from '../../../dist/index.js'
import { countWrites, openLink } from '../contenders/chat.mjs'
import { keep } from '../feed.mjs'
import { collectGarbage } from '../race.mjs'
import { printTable, times } from '../report.mjs'

const PUSH_COUNT = 100_000
const LINE = 'a line of thirty-two bytes, ever\n'.slice(1)
const MOST_WRITES = 100
const ROUNDS = 9
const WARMUPS = 2

/** Each sends `count` lines, and ends. Gives how many writes the socket got. */
const CONTENDERS = [
  {
    name: 'AsyncChat push, strings',
    async send(socket, count) {
      const writes = countWrites(socket)
      const chat = keep(new AsyncChat(socket))
      for (let i = 0; i < count; i += 1) chat.push(LINE)
      chat.closeWhenDone()
      await chat.whenClosed
      return writes
    },
  },
  {
    name: 'AsyncChat push, Buffers',
    async send(socket, count) {
      const writes = countWrites(socket)
      const chat = keep(new AsyncChat(socket))
      const line = Buffer.from(LINE)
      for (let i = 0; i < count; i += 1) chat.push(line)
      chat.closeWhenDone()
      await chat.whenClosed
      return writes
    },
  },
  {
    name: 'socket.write, strings',
    async send(socket, count) {
      const writes = countWrites(socket)
      for (let i = 0; i < count; i += 1) socket.write(LINE)
      socket.end()
      await once(socket.resume(), 'close')
      return writes
    },
  },
  {
    name: 'socket.write, corked, strings',
    async send(socket, count) {
      const writes = countWrites(socket)
      socket.cork()
      for (let i = 0; i < count; i += 1) socket.write(LINE)
      socket.end()
      await once(socket.resume(), 'close')
      return writes
    },
  },
  {
    name: 'socket.write, one string',
    async send(socket, count) {
      const writes = countWrites(socket)
      socket.end(LINE.repeat(count))
      writes.count += 1
      await once(socket.resume(), 'close')
      return writes
    },
  },
]

async function runOnce({ send }, count) {
  collectGarbage()
  const link = await openLink()
  const start = performance.now()
  const writes = await send(link.socket, count)
  const length = await link.received
  const ms = performance.now() - start
  await link.close()
  return { ms, writes: writes.count, isWrong: length !== count * LINE.length }
}

async function measure(options) {
  const count = Math.max(4096, Math.floor(options.isQuick ? PUSH_COUNT / 16 : PUSH_COUNT))
  const rounds = options.rounds(ROUNDS)
  const warmups = options.warmups(WARMUPS)
  const entries = CONTENDERS.map((contender) => ({ contender, best: Infinity, writes: 0, isWrong: false }))
  for (let round = -warmups; round < rounds; round += 1) {
    for (let i = 0; i < entries.length; i += 1) {
      const entry = entries[(i + round + warmups) % entries.length]
      const { ms, writes, isWrong } = await runOnce(entry.contender, count)
      entry.isWrong ||= isWrong
      entry.writes = Math.max(entry.writes, writes)
      if (round >= 0) entry.best = Math.min(entry.best, ms)
    }
  }
  console.log(`\nchat-push: ${count} times ${LINE.length} bytes to a socket, up to the close`)
  const writing = entries.find(({ contender }) => contender.name === 'socket.write, strings')
  printTable([
    ['contender', 'best ms', 'ns/push', 'writes', 'x socket.write'],
    ...entries.map(({ contender, best, writes, isWrong }) => [
      `${contender.name}${isWrong ? ' WRONG' : ''}`,
      best.toFixed(1),
      ((best * 1e6) / count).toFixed(0),
      String(writes),
      times(writing.best / best),
    ]),
  ])
  const ours = entries.filter(({ contender }) => contender.name.startsWith('AsyncChat'))
  return {
    checked: entries.length,
    wrong: entries.filter(({ isWrong }) => isWrong).length,
    floors: [
      ...ours.map(({ contender, best }) => ({
        what: `${contender.name}, against socket.write`,
        value: times(writing.best / best),
        want: '> 1.00x',
        holds: writing.best / best > 1,
      })),
      {
        what: `writes for ${count} pushes`,
        value: String(Math.max(...ours.map(({ writes }) => writes))),
        want: `<= ${MOST_WRITES}`,
        holds: ours.every(({ writes }) => writes <= MOST_WRITES),
        isCounted: true,
      },
    ],
  }
}

export const chatPush = { name: 'chat-push', measure }
