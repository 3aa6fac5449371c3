import { Readable } from 'node:stream'
import t from 'tap'
import { ChatInput, type Cut, type InputMode } from '../../src/chat/chat-input.js'
import type { ChatTransport } from '../../src/chat/chat-transport.js'
import { FrameScanner, type FrameScannerOptions } from '../../src/framing/index.js'

/** A transport whose chunks are these, as they are. */
function transportOf(chunks: readonly unknown[], encoding: BufferEncoding | null = null): ChatTransport {
  const waiting = [...chunks]
  let peeks = 0
  return {
    readable: {
      read: (size?: number) => {
        if (size !== 0) return waiting.shift() ?? null
        peeks++
        return null
      },
      readableEncoding: encoding,
    },
    get unreadLength() {
      return waiting.length
    },
    get peeks() {
      return peeks
    },
  } as unknown as ChatTransport
}

function inputOf(options: FrameScannerOptions, maxPieceLength = 9): { input: ChatInput; seen: string[] } {
  const seen: string[] = []
  const scanner = new FrameScanner({ rearmCount: false, tail: 'emit', ...options })
  return { input: new ChatInput(scanner, maxPieceLength, (chunk) => seen.push(chunk.toString())), seen }
}

/** `data`, `data|` with its end, `data$` cut by the end of input. */
function told({ data, isEnd, isTail }: Cut): string {
  return `${data.toString()}${isEnd ? '|' : ''}${isTail ? '$' : ''}`
}

function cuts(input: ChatInput, mode: InputMode): string[] {
  const log: string[] = []
  for (let cut = input.cut(mode); cut !== null; cut = input.cut(mode)) log.push(told(cut))
  return log
}

const rows: readonly [name: string, options: FrameScannerOptions, mode: InputMode, bytes: string, wanted: readonly string[], incomplete: number][] = [
  ['pieces and their ends apart', { terminator: '\n' }, 'pieces', 'ab\n\nc', ['ab', '|', '|', 'c', '$'], 1],
  ['pieces no longer than allowed', { terminator: '\n' }, 'pieces', 'abcdefghijkl\n', ['abcdefghi', 'jkl', '|'], 0],
  ['a count, and then what comes', { terminator: 2 }, 'pieces', 'abcd', ['ab', '|', 'cd'], 0],
  ['a count that the end cuts', { terminator: 5 }, 'pieces', 'abc', ['abc', '$'], 3],
  ['a held delimiter that the end cuts', { terminator: '\r\n' }, 'pieces', 'abc\r', ['abc', '\r$'], 4],
  ['whole frames', { terminator: '\n' }, 'frames', 'ab\n\nc', ['ab|', '|', 'c$'], 1],
  ['a count, whole, and then what comes', { terminator: 2 }, 'frames', 'abcd', ['ab|', 'cd'], 0],
  ['pieces for handleFrame, where the rule says so', { terminator: { until: '\n', pieces: true } }, 'frames', 'ab\ncd', ['ab|', 'cd', '$'], 2],
  ['a truncated frame, which has ended', { terminator: '\n', maxFrameLength: 2, overflow: 'truncate' }, 'frames', 'abcd\n', ['ab|'], 0],
  ['a truncated frame in pieces', { terminator: '\n', maxFrameLength: 2, overflow: 'truncate' }, 'pieces', 'abcd\n', ['ab', '|'], 0],
  ['an end between two frames', { terminator: '\n' }, 'frames', 'ab\n', ['ab|'], 0],
]

for (const [name, options, mode, bytes, wanted, incomplete] of rows) {
  t.test(`ChatInput: cuts ${name}`, async (t) => {
    const { input } = inputOf(options)
    t.equal(input.feed(transportOf([Buffer.from(bytes)])), true)
    input.end()
    t.same(cuts(input, mode), wanted)
    t.equal(input.incomplete, incomplete)
    t.equal(input.unfinishedLength, incomplete)
  })
}

t.test('ChatInput: says how much there is of the frame that goes on', async (t) => {
  const { input } = inputOf({ terminator: '\n' })
  input.feed(transportOf([Buffer.from('a\nbcd')]))
  t.same(cuts(input, 'frames'), ['a|'])
  t.equal(input.unfinishedLength, 3)
})

t.test('ChatInput: takes one chunk at a time, and tells of it', async (t) => {
  const { input, seen } = inputOf({ terminator: '\n' })
  const transport = transportOf([Buffer.from('a\n'), Uint8Array.from(Buffer.from('b\n'))])
  t.equal(input.feed(transport), true)
  t.same([cuts(input, 'frames'), seen], [['a|'], ['a\n']])
  t.equal(input.feed(transport), true)
  t.same([cuts(input, 'frames'), seen], [['b|'], ['a\n', 'b\n']])
  t.equal(input.feed(transport), false)
})

t.test('ChatInput: takes nothing after the end', async (t) => {
  const { input } = inputOf({})
  input.end()
  const transport = transportOf([Buffer.from('a')])
  t.equal(input.feed(transport), false)
  input.drain(transport)
  input.lookForEnd(transport)
  t.equal(transport.unreadLength, 1)
})

t.test('ChatInput: takes the strings of a transport that decodes, in its encoding', async (t) => {
  const { input } = inputOf({ terminator: '\n' })
  input.feed(transportOf(['c3bc0a'], 'hex'))
  t.same(cuts(input, 'frames'), ['ü|'])
  input.feed(transportOf(['ü\n']))
  t.same(cuts(input, 'frames'), ['ü|'])
})

t.test('ChatInput: refuses what is no bytes', async (t) => {
  for (const chunk of [42, {}, [1], true]) {
    t.throws(() => inputOf({}).input.feed(transportOf([chunk])), { code: 'ERR_INVALID_ARG_TYPE', message: /a stream of bytes/ })
  }
})

t.test('ChatInput: throws away what comes, and what is there', async (t) => {
  const { input, seen } = inputOf({ terminator: '\n' })
  const transport = transportOf([Buffer.from('a\n'), Buffer.from('b\n'), Buffer.from('c\n')])
  input.feed(transport)
  input.drain(transport)
  t.same([input.scanner.bufferedLength, transport.unreadLength, seen], [0, 0, ['a\n']])
})

t.test('ChatInput: looks for the end without taking a byte', async (t) => {
  const busy = transportOf([Buffer.from('a')]) as ChatTransport & { peeks: number }
  const empty = transportOf([]) as ChatTransport & { peeks: number }
  const { input } = inputOf({})
  input.lookForEnd(busy)
  input.lookForEnd(empty)
  t.same([busy.peeks, busy.unreadLength, empty.peeks], [0, 1, 1])
})

t.test('ChatInput: lets a Readable know that it may end', async (t) => {
  const readable = Readable.from([])
  const { input } = inputOf({})
  readable.on('end', () => input.end())
  const transport = { readable, unreadLength: 0 } as unknown as ChatTransport
  readable.on('readable', () => input.lookForEnd(transport))
  input.lookForEnd(transport)
  for (let count = 0; count < 99 && !input.hasEnded; count++) await new Promise(setImmediate)
  t.equal(input.hasEnded, true)
})

t.test('ChatInput: keeps what failed, and throws it once', async (t) => {
  const { input } = inputOf({ terminator: '\n', maxFrameLength: 2 })
  input.feed(transportOf([Buffer.from('abc\n')]))
  t.throws(() => input.cut('frames'), { code: 'ERR_FRAME_TOO_LONG' })
  t.match(input.failure, { code: 'ERR_FRAME_TOO_LONG' })
})

const discards: readonly [name: string, options: FrameScannerOptions, cutCount: number, before: string, after: string, wanted: readonly string[]][] = [
  ['what was not delivered', { terminator: '\n' }, 2, 'ab\ncd\ne', 'f\n', ['f', '|']],
  ['what is held', { terminator: '\r\n' }, 1, 'ab\r', '\nc\r\n', ['\nc', '|']],
  ['but not the end of the frame that was delivered', { terminator: '\r\n' }, 1, 'ab\r\ncd\r\n', 'e\r\n', ['|', 'e', '|']],
  ['but not the end of a count', { terminator: 2 }, 1, 'abcd', 'e', ['|', 'e']],
  ['but not what is missing of a count', { terminator: 5 }, 1, 'abc', 'defg', ['de', '|', 'fg']],
  ['but not a rule\'s count', { terminator: { until: 5 } }, 1, 'abc', 'defg', ['de', '|', 'fg']],
  ['under null', {}, 1, 'abcdefghijkl', 'm', ['m']],
]

for (const [name, options, cutCount, before, after, wanted] of discards) {
  t.test(`ChatInput: discards ${name}`, async (t) => {
    const { input } = inputOf(options)
    input.feed(transportOf([Buffer.from(before)]))
    for (let count = 0; count < cutCount; count++) input.cut('pieces')
    input.discard()
    input.feed(transportOf([Buffer.from(after)]))
    t.same(cuts(input, 'pieces'), wanted)
  })
}
