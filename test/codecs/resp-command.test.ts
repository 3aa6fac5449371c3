import t from 'tap'
import { type CommandLimits, RespCommandReader } from '../../src/codecs/resp-command.js'
import type { Extent } from '../../src/framing/codec.js'

const LIMITS: CommandLimits = { maxItems: 4, maxLength: 1_000, maxLineLength: 100, maxDepth: 2, streamAbove: 500, wraps: false }

const extentOf = (): Extent => ({ before: 0, length: 0, after: 0 })

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`

const taken: readonly (readonly string[])[] = [['PING'], ['GET', 'k'], ['', ''], ['\r\n', '$1\r\n', '*1\r\n'], ['SET', 'k', 'x'.repeat(500)]]

t.test('RespCommandReader: reads what lies whole in a chunk, as views', async (t) => {
  for (const items of taken) {
    const command = `*${items.length}\r\n${items.map(bulk).join('')}`
    const chunk = Buffer.from(`before${command}behind`)
    const extent = extentOf()
    const read = new RespCommandReader(LIMITS).read(chunk, 'before'.length, extent)
    t.same(read?.map((item) => Buffer.from(item).toString()), items, JSON.stringify(items).slice(0, 40))
    t.ok(read?.every((item) => item instanceof Buffer && item.buffer === chunk.buffer), 'views of the kind of the chunk')
    t.equal(extent.length, command.length)
    for (let cut = 0; cut < command.length; cut++) {
      const whole = new RespCommandReader(LIMITS).read(Buffer.from(command.slice(0, cut)), 0, extentOf())
      if (whole !== undefined) t.fail(`read of ${cut} bytes of ${command.length}`)
    }
  }
})

const left: readonly [name: string, text: string, limits?: Partial<CommandLimits>][] = [
  ['another type', '+OK\r\n'],
  ['nothing', ''],
  ['an inline command', 'PING\r\n'],
  ['no item', '*0\r\n'],
  ['a null', '*-1\r\n'],
  ['more items than allowed', `*5\r\n${bulk('a').repeat(5)}`],
  ['a count with a zero before it', `*01\r\n${bulk('a')}`],
  ['a count with a sign', `*+1\r\n${bulk('a')}`],
  ['a count without a digit', `*\r\n${bulk('a')}`],
  ['a count of nine digits', '*100000000\r\n'],
  ['an end of line without CR', `*1\n${bulk('a')}`],
  ['an end of line without LF', '*1\r$1\r\na\r\n'],
  ['an item that is no bulk string', '*1\r\n:1\r\n'],
  ['an item that is an array', `*1\r\n*1\r\n${bulk('a')}`],
  ['a null in it', '*1\r\n$-1\r\n'],
  ['a length with a zero before it', '*1\r\n$01\r\na\r\n'],
  ['a length that is too short', '*1\r\n$1\r\nab\r\n'],
  ['a length that is too long', '*1\r\n$3\r\na\r\n$1'],
  ['no CR behind an item', '*1\r\n$1\r\na\n\n'],
  ['no LF behind an item', '*1\r\n$1\r\na\r\r'],
  ['an item that is to be streamed', `*1\r\n${bulk('a'.repeat(501))}`],
  ['an item longer than a message may be', `*1\r\n${bulk('a'.repeat(50))}`, { maxLength: 49 }],
  ['a message that is too long with what is around it', `*1\r\n${bulk('a')}`, { maxLength: 10 }],
  ['any, where lines are short', `*1\r\n${bulk('a')}`, { maxLineLength: 8 }],
  ['any, where nothing may be nested', `*1\r\n${bulk('a')}`, { maxDepth: 0 }],
]

t.test('RespCommandReader: leaves all else to the reader of any value', async (t) => {
  for (const [name, text, limits] of left) {
    t.equal(new RespCommandReader({ ...LIMITS, ...limits }).read(Buffer.from(text), 0, extentOf()), undefined, name)
  }
})

t.test('RespCommandReader: gives views of a Uint8Array where it is given one', async (t) => {
  const chunk = new Uint8Array(Buffer.from(`*1\r\n${bulk('a')}`))
  const read = new RespCommandReader(LIMITS).read(chunk, 0, extentOf())
  t.same(read, [new Uint8Array([0x61])])
  t.notOk(read?.[0] instanceof Buffer)
})
