/** However the input is cut: a dialogue of reads gets every byte once, in order, and so do hooks that switch terminators. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { AsyncChat, type AsyncChatOptions, type Terminator } from '../../src/index.js'
import { turn, withinTurns } from '../support/consumers.js'
import { byteByByte, cutAt, randomCuts } from '../support/cuts.js'
import { latin1, runModel } from '../support/model.js'
import { anyTerminator, holds, inputBytes } from '../support/scripts.js'
import { Wire } from '../support/wire.js'

/** A protocol, what a peer sends in it, and what is to come of that. */
interface Dialogue {
  readonly name: string
  readonly input: string
  readonly options: (seen: string[]) => AsyncChatOptions
  readonly want: readonly string[]
  /** What the peer gets. */
  readonly answer?: string
}

const text = (frame: Uint8Array | null): string => (frame === null ? 'null' : latin1(frame))

async function joined(pieces: AsyncIterable<Buffer>): Promise<string> {
  let all = ''
  for await (const piece of pieces) all += latin1(piece)
  return all
}

const LINES = 'HELO me\r\nAUTH\r\nuser\r\n\r\nDATA\r\nfirst\r\n..dots\r\n.\r\n\r\n.\r\nCOUNT 5\r\n\r\nab\nNOOP\r\nQUIT\r\nhalf'
const LINES_WANTED = ['HELO me', 'AUTH', '> user', '> ', 'DATA', '> first\r\n..dots', '> ', 'COUNT 5', '> \r\nab\n', 'NOOP', 'QUIT', '+half']
const LINES_ANSWER = 'hello;auth;data;count;noop;quit;'

/** Answers a command, with reads where it has more to hear. */
async function command(chat: AsyncChat, line: string, seen: string[]): Promise<void> {
  seen.push(line)
  const [word = '', count] = line.split(' ')
  if (word === 'AUTH') {
    for (let i = 0; i < 2; i++) seen.push(`> ${text(await chat.readFrame('\r\n'))}`)
  } else if (word === 'DATA') {
    seen.push(`> ${text(await chat.readFrame('\r\n.\r\n'))}`)
    await turn()
    // Two dots were enough for that one; this frame is cut in pieces.
    seen.push(`> ${await joined(chat.readPieces('\r\n.\r\n'))}`)
  } else if (word === 'COUNT') {
    seen.push(`> ${text(await chat.readFrame(Number(count)))}`)
  }
  chat.push(word === 'HELO' ? 'hello;' : `${word.toLowerCase()};`)
}

const DIALOGUES: readonly Dialogue[] = [
  {
    name: 'a whole session in handleConnect',
    input: 'name: me\r\n12:hello\r\nworld{1,2}\nabcENDab|c;rest\nlast',
    options: (seen) => ({
      async handleConnect() {
        seen.push(text(await this.readFrame(': ')), text(await this.readFrame('\r\n')))
        const length = Number(text(await this.readFrame(':')))
        seen.push(text(await this.readFrame(length)))
        await turn()
        // Several at a time are served in the order of their calls.
        const three = [this.readFrame('}\n'), this.readFrame(3), this.readFrame('END')]
        seen.push(...(await Promise.all(three)).map(text))
        seen.push(text(await this.readFrame(['|', ';'])), String(this.matched), text(await this.readFrame(['|', ';'])), String(this.matched))
        seen.push(text(await this.readFrame('\n')), await joined(this.readPieces(null)), text(await this.readFrame('\n')))
        this.push('done')
      },
    }),
    want: ['name', 'me', 'hello\r\nworld', '{1,2', 'abc', '', 'ab', '0', 'c', '1', 'rest', 'last', 'null'],
    answer: 'done',
  },
  {
    name: 'reads that are given up between others',
    input: 'one\ntwo\nthree\nfour\n',
    options: (seen) => ({
      async handleConnect() {
        const stopped = new AbortController()
        const gaveUp = this.readFrame('nowhere', { signal: stopped.signal })
        for (let i = 0; i < 6; i++) await turn()
        stopped.abort()
        // By the signal, or by the end of input where that came before.
        await assert.rejects(gaveUp, /AbortError|FramingError/)
        for (const piece of [3, '\n', 'wo\n'] as const) seen.push(text(await this.readFrame(piece)))
        for await (const byte of this.readPieces('\n')) {
          seen.push(latin1(byte.subarray(0, 1)))
          break
        }
        // Of the frame that was left, what had not come is unread.
        const rest = await joined(this.readPieces('\n'))
        seen.push('three'.endsWith(rest) || rest === 'four' ? 'rest' : rest)
        const last = text(await this.readFrame('\n'))
        seen.push(rest === 'four' ? 'four' : last)
        if (rest !== 'four') await this.readFrame('\n')
      },
    }),
    want: ['one', '', 't', 't', 'rest', 'four'],
  },
  {
    name: 'lines by handleFrame, with reads in the pending hook',
    input: LINES,
    options: (seen) => ({
      terminator: '\r\n',
      handleFrame(line) {
        return command(this, text(line), seen)
      },
      handleEnd() {
        seen.push(`+${text(this.takeCollected())}`)
        this.closeWhenDone()
      },
    }),
    want: LINES_WANTED,
    answer: LINES_ANSWER,
  },
  {
    name: 'lines by the pair of hooks, with reads in foundTerminator',
    input: LINES,
    options: (seen) => ({
      terminator: '\r\n',
      collectIncomingData(data) {
        this.collect(data)
      },
      foundTerminator() {
        return command(this, text(this.takeCollected()), seen)
      },
      handleEnd() {
        seen.push(`+${text(this.takeCollected())}`)
        this.closeWhenDone()
      },
    }),
    want: LINES_WANTED,
    answer: LINES_ANSWER,
  },
  {
    name: 'a terminator that a hook sets while its read goes on',
    input: 'a,bb;cc;',
    options: (seen) => ({
      terminator: ',',
      async handleFrame(frame) {
        seen.push(text(frame))
        if (seen.length > 1) return
        const read = this.readFrame('b;')
        this.setTerminator(';')
        seen.push(`> ${text(await read)}`)
        seen.push(this.getTerminator() as string)
      },
    }),
    want: ['a', '> b', ';', 'cc'],
  },
]

/** Turns of the event loop between two chunks; 0: all come in one go. */
const GAPS = [0, 1, 2]

async function hold(dialogue: Dialogue, chunks: readonly Uint8Array[], turnsBetween: number): Promise<{ seen: string[]; answer: string; error: unknown }> {
  const seen: string[] = []
  const wire = new Wire({ delays: ['at once', 1] })
  const chat = new AsyncChat(wire, dialogue.options(seen))
  await wire.send(chunks, turnsBetween)
  wire.sendEnd()
  const { error } = await withinTurns(chat.whenClosed)
  return { seen, answer: latin1(wire.written), error }
}

function wanted({ want, answer = '' }: Dialogue): { seen: readonly string[]; answer: string; error: unknown } {
  return { seen: want, answer, error: undefined }
}

for (const dialogue of DIALOGUES) {
  const bytes = Buffer.from(dialogue.input, 'latin1')

  t.test(`AsyncChat: ${dialogue.name}, at every cut and byte by byte`, async (t) => {
    const singles = bytes.map((_, index) => index)
    for (const gap of GAPS) {
      for (const position of singles) {
        assert.deepEqual(await hold(dialogue, cutAt(bytes, [position]), gap), wanted(dialogue), `cut at ${position}, ${gap} turns between`)
      }
      t.strictSame(await hold(dialogue, byteByByte(bytes), gap), wanted(dialogue), `byte by byte, ${gap} turns between`)
    }
  })

  t.test(`AsyncChat: ${dialogue.name}, at any cuts`, async (t) => {
    const property = fc.asyncProperty(randomCuts(bytes), fc.constantFrom(...GAPS), async (chunks, gap) => {
      assert.deepEqual(await hold(dialogue, chunks, gap), wanted(dialogue))
    })
    await holds(t, dialogue.name, property, 150)
  })
}

// Hooks that switch

interface Style {
  readonly name: string
  readonly waits: () => unknown
}

const STYLES: readonly Style[] = [
  { name: 'synchronous', waits: () => undefined },
  { name: 'asynchronous', waits: turn },
  { name: 'thenable at once', waits: () => Promise.resolve() },
]

/** Frames of the model, pieces of data joined, as the hooks see them. */
function modelTrace(input: Uint8Array, script: readonly Terminator[], isWhole: boolean): string[] {
  const { frames, error } = runModel(latin1(input), script, { rearmCount: false, tail: 'emit' })
  assert.equal(error, null)
  const trace: string[] = []
  let rest = ''
  for (const { data, ending, offset, matched } of frames) {
    if (ending === 'piece' || ending === 'eof') rest += data
    // What the end cuts is no frame, after which nothing can be set.
    if (ending === 'eof') break
    // Of a frame in pieces the offset is that of a piece: what is compared is how it ended.
    if (ending !== 'piece') trace.push(isWhole ? `${data} ${ending} @${offset} #${matched}` : `${data} ${ending} #${matched}`)
  }
  // Under null and at the end there are no frames, but bytes.
  return [...trace, `+${rest}`]
}

async function hookTrace(chunks: readonly Uint8Array[], gap: number, script: readonly Terminator[], isWhole: boolean, { waits }: Style): Promise<string[]> {
  const trace: string[] = []
  let rest = ''
  let frameCount = 0
  const onFrame = async (chat: AsyncChat, data: string): Promise<void> => {
    const { ending, offset, matched } = chat
    if (ending === 'piece') {
      rest += data
      return
    }
    trace.push(isWhole ? `${data} ${ending} @${offset} #${matched}` : `${data} ${ending} #${matched}`)
    frameCount++
    await waits()
    if (frameCount < script.length) chat.setTerminator(script[frameCount] as Terminator)
  }
  const wire = new Wire()
  const input: AsyncChatOptions = isWhole
    ? {
        handleFrame(frame) {
          return onFrame(this, latin1(frame))
        },
      }
    : {
        collectIncomingData(data) {
          if (this.ending === 'piece') rest += latin1(data)
          else this.collect(data)
        },
        foundTerminator() {
          return onFrame(this, latin1(this.takeCollected()))
        },
      }
  const chat = new AsyncChat(wire, {
    ...input,
    terminator: script[0] as Terminator,
    acInBufferSize: 3,
    handleEnd() {
      rest += latin1(this.takeCollected())
      this.closeWhenDone()
    },
  })
  await wire.send(chunks, gap)
  wire.sendEnd()
  const { error } = await withinTurns(chat.whenClosed)
  if (error !== undefined) trace.push(String(error))
  return [...trace, `+${rest}`]
}

/** A frame in pieces cannot be thrown away when it turns out to be too long. */
function canBePieces(terminator: Terminator): boolean {
  return (terminator as { overflow?: string } | null)?.overflow !== 'discard'
}

const isNull = (terminator: Terminator): boolean => terminator === null || (terminator as { until?: unknown }).until === null

for (const style of STYLES) {
  for (const isWhole of [true, false]) {
    const name = `AsyncChat: a terminator set in ${isWhole ? 'handleFrame' : 'foundTerminator'}, ${style.name}, rules the very next byte`
    t.test(name, async (t) => {
      // The model does not come back from null, and no more does a hook: under null there is no frame after which to set one.
      const script = fc
        .array(isWhole ? anyTerminator : anyTerminator.filter(canBePieces), { minLength: 1, maxLength: 8 })
        .filter((terminators) => !terminators.slice(0, -1).some((one) => isNull(one)))
      const cuts = inputBytes.chain((bytes) => fc.tuple(fc.constant(bytes), randomCuts(bytes)))
      const property = fc.asyncProperty(script, cuts, fc.constantFrom(...GAPS), async (terminators, [bytes, chunks], gap) => {
        assert.deepEqual(await hookTrace(chunks, gap, terminators, isWhole, style), modelTrace(bytes, terminators, isWhole))
      })
      await holds(t, name, property, 400)
    })
  }
}
