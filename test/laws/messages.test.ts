/** The laws of messages: exact switching, the same however it is cut, no byte lost. */
import type { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { type Codec, type DecodeContext, MessageScanner, type Terminator, cobs, decoder, framed, jsonLines, lengthField, lines, netstring } from '../../src/index.js'
import { type Consumer, closed, consumers, listOf, turns, withinTurns } from '../support/consumers.js'
import { randomCuts } from '../support/cuts.js'
import { Wire } from '../support/told-wire.js'

/** Codecs that read each other's bytes as something else, or fail on them. */
const CODECS: readonly Codec<any>[] = [
  lines({ ending: 'lf', encoding: null }),
  netstring(),
  lengthField({ width: 2 }),
  cobs(),
  {
    name: 'three and a tail',
    *decode() {
      const head = yield 3
      return Buffer.concat([head, yield [';', '!!']])
    },
    encode: (body: Uint8Array) => [body, ';'],
  },
]
const THREE_AND_A_TAIL = CODECS.length - 1

/** A message of each codec: which one, and its bytes. */
const anyScript = fc.array(
  fc.tuple(fc.nat({ max: CODECS.length - 1 }), fc.string({ unit: fc.constantFrom('1', ':', ',', 'a', '\u0001', '\0'), maxLength: 6 })).map(([codec, text]) => ({
    codec,
    text: codec === THREE_AND_A_TAIL ? `${text}abc` : text,
  })),
  { minLength: 1, maxLength: 8 },
)
type Script = readonly { readonly codec: number; readonly text: string }[]

function bytesOf(codec: Codec<any>, message: unknown): Buffer {
  const chunks = codec.encode(message)
  const list = typeof chunks === 'string' || ArrayBuffer.isView(chunks) ? [chunks] : Array.from(chunks as Iterable<string | Uint8Array>)
  return Buffer.concat(list.map((chunk) => Buffer.from(chunk as string)))
}

function wireOf(script: Script): Buffer {
  return Buffer.concat(script.map(({ codec, text }) => bytesOf(CODECS[codec] as Codec<any>, Buffer.from(text, 'latin1'))))
}

interface Messages extends Readable {
  setCodec(codec: Codec<any>): void
}

interface Face {
  readonly name: string
  /** The stream; what it reads is written by the function that comes with it. */
  readonly make: (codec: Codec<any>) => { stream: Messages; write: (chunk: Buffer) => void; end: () => void }
}

const FACES: readonly Face[] = [
  {
    name: 'decoder()',
    make: (codec) => {
      const stream = decoder<any>(codec)
      return { stream, write: (chunk) => void stream.write(chunk), end: () => void stream.end() }
    },
  },
  {
    name: 'framed()',
    make: (codec) => {
      const wire = new Wire()
      return { stream: framed<any>(wire, codec), write: (chunk) => wire.say(chunk), end: () => wire.hangUp() }
    },
  },
]

const batches: Consumer = {
  name: 'batches of one',
  consume: async (stream, onFrame) => {
    for await (const batch of (stream as unknown as { batches(max: number): AsyncIterable<unknown[]> }).batches(1)) for (const message of batch) onFrame(message)
  },
}

/** All messages by this consumer, who sets the codec of the next one as soon as it has one. */
async function converse(face: Face, consumer: Consumer, script: Script, chunks: readonly Uint8Array[], isSpread: boolean): Promise<string[]> {
  const seen: string[] = []
  const { stream, write, end } = face.make(CODECS[(script[0] as Script[number]).codec] as Codec<any>)
  const done = consumer.consume(stream, (message) => {
    seen.push(Buffer.from(message as Uint8Array).toString('latin1'))
    const next = script[seen.length]
    if (next !== undefined) stream.setCodec(CODECS[next.codec] as Codec<any>)
  })
  const feeding = (async () => {
    for (const chunk of chunks) {
      write(Buffer.from(chunk))
      if (isSpread) await turns(1)
    }
    end()
  })()
  await withinTurns(done)
  await feeding
  stream.destroy()
  return seen
}

for (const face of FACES) {
  // Readable.toWeb waits for a Duplex's writable side, too: that is what Duplex.toWeb is for.
  const suited = consumers.filter(({ name }) => face.name === 'decoder()' || !name.startsWith('Readable.toWeb'))
  for (const consumer of [...suited, batches]) {
    t.test(`P1: a codec that is set when a message is taken rules the very next byte: ${face.name}, ${consumer.name}`, async (t) => {
      const cases = anyScript.chain((script) => fc.tuple(fc.constant(script), randomCuts(wireOf(script)), fc.boolean()))
      await t.resolves(
        fc.assert(
          fc.asyncProperty(cases, async ([script, chunks, isSpread]) => {
            const seen = await converse(face, consumer, script, chunks, isSpread)
            const wanted = script.map(({ text }) => text)
            if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`got ${JSON.stringify(seen)}, wanted ${JSON.stringify(wanted)}`)
          }),
          { numRuns: 25 },
        ),
      )
    })
  }
}

// What a codec may do, as data

type Step = { readonly terminator: Terminator } | { readonly pushBack: number } | 'emit'
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<Terminator>(';', ',;', [';', 'ab'], 1, 2, 3, { until: ';', maxFrameLength: 3 }, { until: 4 }, 0).map((terminator) => ({ terminator })) },
  { weight: 1, arbitrary: fc.nat({ max: 3 }).map((pushBack) => ({ pushBack })) },
  { weight: 1, arbitrary: fc.constant('emit' as const) },
)
const anyProgram = fc.array(anyStep, { minLength: 1, maxLength: 6 })
const anyInput = fc.string({ unit: fc.constantFrom('a', 'b', ',', ';'), maxLength: 24 })

function codecOf(program: readonly Step[], log: string[]): Codec<string> {
  return {
    name: 'program',
    *decode(ctx: DecodeContext<string>) {
      let text = ''
      let last: Uint8Array = Buffer.alloc(0)
      try {
        for (const step of program) {
          if (step === 'emit') {
            ctx.emit(`emitted ${text}`)
            text = ''
          } else if ('pushBack' in step) {
            ctx.pushBack(last.subarray(Math.max(0, last.length - step.pushBack)))
            last = last.subarray(0, 0)
          } else {
            last = yield step.terminator
            text += `${String(last)}/${ctx.ending}/${ctx.matched}/${ctx.offset} `
          }
        }
      } catch (error) {
        text += `${(error as Error).name} `
        if (program.length % 2 === 0) throw error
      } finally {
        log.push('finally')
      }
      return text
    },
    encode: () => '',
  }
}

function outcomeOf(codec: Codec<string>, chunks: readonly Uint8Array[]): unknown {
  const scanner = new MessageScanner<string>(codec, { maxFrameLength: 5, maxMessageLength: 8 })
  const messages: string[] = []
  const left = chunks.map((chunk) => Buffer.from(chunk))
  let failure: unknown = null
  const drain = (): void => {
    for (let message; (message = scanner.read()) !== null && messages.length < 5000; ) messages.push(message)
  }
  try {
    for (let chunk; (chunk = left.shift()) !== undefined; ) {
      scanner.write(chunk)
      drain()
    }
    scanner.end()
    drain()
  } catch (error) {
    const { code, message } = error as Error & { code: string }
    failure = [code, message]
  }
  for (const chunk of left) scanner.write(chunk)
  return [messages, failure, String(scanner.takeUnread())]
}

t.test('messages: of any codec are the same, and fail alike and leave the same bytes, however the input is cut', async (t) => {
  const cases = fc.tuple(anyProgram, anyInput).chain(([program, input]) => fc.tuple(fc.constant(program), fc.constant(input), randomCuts(Buffer.from(input))))
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(cases, ([program, input, chunks]) => {
        const whole = outcomeOf(codecOf(program, []), [Buffer.from(input)])
        const cut = outcomeOf(codecOf(program, []), chunks)
        if (JSON.stringify(whole) !== JSON.stringify(cut)) throw new Error(`whole ${JSON.stringify(whole)}, cut ${JSON.stringify(cut)}`)
      }),
      { numRuns: 3000 },
    ),
  )
})

t.test('messages: no byte is lost or twice when the rest is taken, put back, or given to another codec inside a message', async (t) => {
  const actions = ['takeUnread', 'setCodec', 'pushBack', 'restart'] as const
  const two: Codec<Uint8Array> = {
    *decode() {
      const head = yield ';'
      return Buffer.concat([head, Buffer.from(';'), yield 2])
    },
    encode: () => '',
  }
  const cases = anyInput.chain((input) => fc.tuple(fc.constant(input), randomCuts(Buffer.from(input)), fc.array(fc.constantFrom(...actions), { maxLength: 6 })))
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(cases, ([input, chunks, script]) => {
        const scanner = new MessageScanner<Uint8Array>(two)
        let delivered = ''
        const drain = (): void => {
          for (let message; (message = scanner.read()) !== null; ) delivered += String(message)
        }
        const act: Record<(typeof actions)[number], () => void> = {
          takeUnread: () => scanner.write(scanner.takeUnread()),
          setCodec: () => scanner.setCodec({ ...two }),
          pushBack: () => scanner.pushBack(scanner.takeUnread()),
          restart: () => scanner.restart(),
        }
        const feed = chunks.map((chunk) => Buffer.from(chunk))
        for (const [index, chunk] of feed.entries()) {
          scanner.write(chunk)
          drain()
          const action = script[index]
          if (action !== undefined) act[action]()
          if (scanner.bufferedLength + delivered.length !== feed.slice(0, index + 1).reduce((sum, { length }) => sum + length, 0)) throw new Error('miscounted')
          drain()
        }
        const unread = String(scanner.takeUnread())
        if (delivered + unread !== input) throw new Error(`${JSON.stringify(delivered)} and ${JSON.stringify(unread)} of ${JSON.stringify(input)}`)
      }),
      { numRuns: 1000 },
    ),
  )
})

t.test('messages: the cleanup of each generator runs once, whether it is done, failed or given up', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(anyProgram, anyInput, fc.boolean(), (program, input, isGivenUp) => {
        const log: string[] = []
        let begun = 0
        const inner = codecOf(program, log) as { decode(ctx: DecodeContext<string>): Generator<Terminator, string | undefined, Uint8Array> }
        const codec: Codec<string> = {
          *decode(ctx) {
            begun++
            return yield* inner.decode(ctx)
          },
          encode: () => '',
        }
        const scanner = new MessageScanner<string>(codec)
        scanner.write(Buffer.from(input))
        if (!isGivenUp) scanner.end()
        try {
          for (let count = 0; scanner.read() !== null && count < 500; count++);
        } catch {}
        scanner.takeUnread()
        if (log.length !== begun) throw new Error(`${log.length} of ${begun}`)
      }),
      { numRuns: 500 },
    ),
  )
})

t.test('messages: a stream that is destroyed ends the generator that waits', async (t) => {
  for (const face of FACES) {
    const { name } = face
    let ends = 0
    const { stream, write } = face.make({
      *decode() {
        try {
          return yield ';'
        } finally {
          ends++
        }
      },
      encode: () => '',
    })
    stream.resume()
    write(Buffer.from('abc'))
    await turns(3)
    t.equal(ends, 0, name)
    stream.destroy()
    await withinTurns(closed(stream))
    t.equal(ends, 1, name)
  }
})

t.test('messages: 100,000 that each set another codec need no more stack than one', async (t) => {
  const count = 100_000
  const input = Buffer.from('1:a,b\n'.repeat(count / 2))
  for (const face of FACES) {
    const { name } = face
    const codecs = [netstring(), lines({ ending: 'lf', encoding: null })] as const
    const { stream, write, end } = face.make(codecs[0])
    let seen = 0
    stream.on('data', () => stream.setCodec(codecs[++seen % 2 === 0 ? 0 : 1]))
    write(input)
    end()
    await turns(5)
    t.equal(seen, count, name)
    stream.destroy()
  }
})

t.test('messages: a body in pieces passes while no more is held than a chunk', async (t) => {
  let most = 0
  const body: Codec<number> = {
    *decode(ctx) {
      do {
        const piece = yield { until: '\r\n.\r\n', pieces: true, maxFrameLength: Infinity }
        if (piece.length > 0) ctx.emit(piece.length)
      } while (ctx.ending === null)
      return -1
    },
    encode: () => '',
  }
  const scanner = new MessageScanner<number>(body, { maxMessageLength: 70_000 })
  const chunk = Buffer.alloc(65_536, 'x\r\n.')
  let total = 0
  for (let index = 0; index < 200; index++) {
    scanner.write(chunk)
    for (let length; (length = scanner.read()) !== null; ) total += length
    most = Math.max(most, scanner.bufferedLength)
  }
  scanner.write(Buffer.from('z\r\n.\r\n'))
  const last: number[] = []
  for (let length; (length = scanner.read()) !== null; ) last.push(length)
  t.equal(last.at(-1), -1)
  t.equal(total + last.slice(0, -1).reduce((sum, length) => sum + length, 0), 200 * 65_536 + 1)
  t.ok(most < 5, `${most}`)
})

t.test('messages: errors of a stream come after the messages before them, and say which codec it was', async (t) => {
  for (const face of FACES) {
    const { name } = face
    const { stream, write, end } = face.make(jsonLines())
    write(Buffer.from('1\n2\n{\n3\n'))
    end()
    const seen: unknown[] = []
    const all = (async () => {
      for await (const message of stream) seen.push(message)
    })()
    await t.rejects(withinTurns(all), { code: 'ERR_FRAME_MALFORMED', codec: 'jsonLines', messagesBefore: 2, offset: 4 }, name)
    t.same(seen, [1, 2])
  }
  t.same(await listOf(decoder(jsonLines()).end()), [])
})
