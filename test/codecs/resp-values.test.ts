import t from 'tap'
import { RespAttributed, RespError, RespPiece, RespPush, RespStreamed, RespVerbatim } from '../../src/codecs/resp-values.js'

t.test('RespError: has its first word as code', (t) => {
  const rows: readonly (readonly [message: string, code: string])[] = [
    ['ERR unknown command', 'ERR'],
    ['MOVED 3999 127.0.0.1:6381', 'MOVED'],
    ['LOADING', 'LOADING'],
    ['ERR\r\nline', 'ERR'],
    [' ERR', ''],
    ['', ''],
  ]
  for (const [message, code] of rows) {
    const error = new RespError(message)
    t.strictSame([error.message, error.code], [message, code], JSON.stringify(message))
  }
  t.end()
})

t.test('RespError: is an Error whose name is no property of its own', (t) => {
  const error = new RespError('ERR no')
  t.ok(error instanceof Error)
  t.equal(String(error), 'RespError: ERR no')
  t.notOk(Object.hasOwn(error, 'name'))
  t.end()
})

t.test('resp-values: hold what they are made with', (t) => {
  const attributes = new Map([['ttl', 5]])
  const bytes = Uint8Array.of(1)
  const items = ['message', bytes]
  const push = new RespPush(items)
  t.equal(push.items, items)
  const attributed = new RespAttributed(attributes, push)
  t.equal(attributed.attributes, attributes)
  t.equal(attributed.value, push)
  t.equal(new RespPiece(bytes).bytes, bytes)
  const { format, text } = new RespVerbatim('txt', 'a')
  t.strictSame([format, text], ['txt', 'a'])
  t.equal(new RespStreamed(9).length, 9)
  t.end()
})
