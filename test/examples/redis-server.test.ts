import { execFile } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo, NetConnectOpts, Socket } from 'node:net'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { RedisClient } from '../../docs/examples/redis-client.js'
import { RedisServer, type RedisServerOptions } from '../../docs/examples/redis-server.js'
import { askCli, askRaw, dial, startCli, startRedis, whyNoRedis } from '../support/redis.js'
import { until } from '../support/until.js'

const KIB = 1024
const MIB = 1024 * KIB

interface Opened {
  readonly redis: RedisServer
  readonly address: NetConnectOpts
}

async function open(t: Test, options: RedisServerOptions = {}): Promise<Opened> {
  const redis = new RedisServer(options)
  redis.server.listen(0, '127.0.0.1')
  t.teardown(() => redis.close())
  await until('the server listens', () => redis.server.listening)
  return { redis, address: { port: (redis.server.address() as AddressInfo).port, host: '127.0.0.1' } }
}

async function openClient(t: Test, address: NetConnectOpts, encoding: 'utf8' | null = 'utf8'): Promise<RedisClient> {
  const client = await RedisClient.open({ ...address, encoding })
  t.teardown(() => client.close())
  return client
}

const ALL_BYTES = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))

/** What is said, in order: the answers depend on what was said before. */
const commands: readonly (readonly [string, ...string[]])[] = [
  ...words('PING', 'PING hello', 'ping', 'ECHO hello', 'ECHO', 'ECHO a b', 'GET none', 'GET', 'NOSUCH', 'NOSUCH a b', 'nosuch a'),
  ...words('SET a 1', 'GET a', 'SET a 2 NX', 'SET b 2 XX', 'SET b 2 nx', 'SET b 3 XX', 'GET b', 'SET b', 'SET b 1 FOO', 'SET b 1 NX XX', 'SET b 1 EX', 'SET b 1 EX x', 'SET b 1 EX 0', 'SET b 1 PX -1', 'SET b 1 EX 5 PX 5', 'SET b 1 EX 100 NX', 'GET b'),
  ...words('TTL b', 'SET b 1 EX 100', 'TTL b', 'SET b 1 PX 50000 XX', 'TTL b', 'INCR b', 'TTL b', 'SET b 1', 'TTL b', 'TTL none', 'EXPIRE b 70', 'TTL b', 'EXPIRE none 70', 'EXPIRE b x', 'EXPIRE b', 'EXPIRE b 0', 'GET b', 'TTL b', 'SET b 1', 'EXPIRE b -5', 'GET b'),
  ...words('INCR n', 'INCR n', 'GET n', 'SET n 9007199254740993', 'INCR n', 'SET n 9223372036854775806', 'INCR n', 'INCR n', 'GET n', 'SET n -1', 'INCR n', 'SET n -9223372036854775808', 'INCR n', 'SET n 01', 'INCR n', 'SET n 1.5', 'INCR n', 'SET n 9223372036854775808', 'INCR n', 'SET n -0', 'INCR n', 'INCR'),
  ...words('LPUSH l 1', 'LPUSH l 2 3 4 5', 'LRANGE l 0 -1', 'LRANGE l 1 2', 'LRANGE l -2 -1', 'LRANGE l -100 100', 'LRANGE l 3 1', 'LRANGE l 0 -6', 'LRANGE l 4 4', 'LRANGE l 5 5', 'LRANGE none 0 1', 'LRANGE l x 1', 'LRANGE l 0', 'LPOP l', 'LPOP l 2', 'LPOP l 0', 'LPOP l -1', 'LPOP l x', 'LPOP l 10', 'LPOP l', 'LPOP l 1', 'LRANGE l 0 -1', 'LPUSH l', 'TTL l'),
  ...words('HSET h a 1', 'HSET h a 2 b 3', 'HGET h a', 'HGET h b', 'HGET h c', 'HGET none a', 'HSET h a', 'HSET h a 1 b', 'HGET h'),
  ...words('GET h', 'LPUSH h 1', 'HGET a x', 'HSET a x 1', 'INCR h', 'LPOP h', 'LRANGE h 0 1', 'SET h 1', 'GET h'),
  ...words('DEL a', 'DEL a', 'DEL h n none', 'DEL', 'GET a', 'SET x 1 PX 1', 'SELECT 1', 'GET b', 'SET b other', 'SELECT 0', 'GET b', 'SELECT 16', 'SELECT -1', 'SELECT x', 'DEL b', 'PUBLISH nobody hello', 'PUBLISH nobody'),
  ...words('CONFIG GET save', 'CONFIG GET SAVE', 'CONFIG GET appendonly', 'CONFIG GET nosuch'),
  ['SET', ALL_BYTES, `${ALL_BYTES}\r\n`], ['GET', ALL_BYTES], ['SET', '', ''], ['GET', ''], ['SET', 'a b', "it's"], ['GET', 'a b'], ['LPUSH', 'bin', '\0', '\xff\r\n'], ['LRANGE', 'bin', '0', '-1'],
]

function words(...lines: string[]): [string, ...string[]][] {
  return lines.map((line) => line.split(' ') as [string, ...string[]])
}

const noPrograms = whyNoRedis('redis-cli', 'redis-server')

t.test('redis-server: answers redis-cli as the real one does', { skip: noPrograms }, async (t) => {
  const [{ address }, real] = [await open(t), await startRedis(t)]
  for (const protocol of ['-2', '-3']) {
    // With RESP3 redis-cli waits for another answer to it.
    const said = protocol === '-2' ? [...commands, ...words('UNSUBSCRIBE', 'UNSUBSCRIBE a')] : commands
    const [ours, theirs] = await Promise.all([askCli(t, address, said, protocol), askCli(t, real, said, protocol)])
    t.ok(theirs.split('\n').length > commands.length, 'the real one answers them all')
    t.same(ours.split('\n'), theirs.split('\n'), protocol)
  }
})

/** Bytes of requests that are no arrays, or no requests at all; each ends with what ends the connection. */
const raw: readonly string[] = [
  'PING\r\nECHO hello\r\nQUIT\r\n',
  'PING\nping  \tx\nQUIT\n',
  '\r\n\n  \r\nSET a "b c\\x41\\n"\r\nGET a\r\nSET \'a\' \'it\\\'s\'\nGET a\r\nquit\r\nPING\r\n',
  '*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n*1\r\n$4\r\nPING\r\n',
  '*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n*1\r\n$4\r\nquit\r\n',
  'SUBSCRIBE a b\r\nGET a\r\nPING\r\nPING x\r\nUNSUBSCRIBE a\r\nUNSUBSCRIBE\r\nUNSUBSCRIBE\r\nGET none\r\nQUIT\r\n',
  'HELLO 4\r\nHELLO a\r\nHELLO ""\r\nGET none\r\nCONFIG GET nosuch\r\nQUIT\r\n',
  'PING\r\nSET k v EX 9223372036854775807\r\nSET k v PX 9223372036854775807\r\nTTL k\r\nSET k v\r\nEXPIRE k 9223372036854775807\r\nEXPIRE k -9223372036854775808\r\nTTL k\r\nQUIT\r\n',
  'SUBSCRIBE a\r\nFOO\r\n*1\r\n$3\r\na\nb\r\nPING\r\nQUIT\r\n',
  `PING\r\nLPUSH l${' x'.repeat(20_000)}\r\nQUIT\r\n`,
]
const malformed: readonly string[] = ['*1\r\n$x\r\n', '*1\r\n$-2\r\n', '*1\r\n:5\r\n', '*1\r\n+PING\r\n', '*x\r\n', '*9999999999\r\n', '*1\r\n$99999999999\r\n', 'SET a "b\r\n', 'GET "a"b\r\n', '*1\r\n$-1\r\n']

t.test('redis-server: answers bytes as the real one does', { skip: whyNoRedis('redis-server') }, async (t) => {
  const [{ address, redis }, real] = [await open(t), await startRedis(t)]
  for (const bytes of raw) {
    const [ours, theirs] = await Promise.all([askRaw(t, address, bytes), askRaw(t, real, bytes)])
    t.equal(ours, theirs, JSON.stringify(bytes))
  }
  const good = '*1\r\n$4\r\nPING\r\n'
  for (const bytes of malformed) {
    for (const ask of [askRaw(t, address, good + bytes + good), askRaw(t, real, good + bytes + good)]) {
      t.match(await ask, /^\+PONG\r\n-ERR Protocol error: [^\r\n]+\r\n$/, JSON.stringify(bytes))
    }
  }
  await until('all are gone', () => redis.clients.size === 0)
})

t.test('redis-server: answers the client as the real one does', { skip: whyNoRedis('redis-server') }, async (t) => {
  const [{ address }, real] = [await open(t), await startRedis(t)]
  const told: unknown[] = []
  for (const at of [address, real]) {
    const client = await openClient(t, at, null)
    const answers = await Promise.all(commands.map((words) => client.call(...(words.map((word) => Buffer.from(word, 'latin1')) as [Buffer])).catch(String)))
    const heard: string[] = []
    await client.subscribe('news', (message) => heard.push(String(message)))
    const counts = await Promise.all(['one', 'two'].map((text) => client.call('PUBLISH', 'news', text)))
    await client.unsubscribe('news')
    counts.push(await client.call('PUBLISH', 'news', 'three'))
    told.push({ answers, heard, counts })
    await client.close()
  }
  t.same(told[0], told[1])
  t.match(told[1], { heard: ['one', 'two'], counts: [1, 1, 0] })
})

t.test('redis-server: tells redis-cli what is published, as the real one does', { skip: noPrograms }, async (t) => {
  const [{ address }, real] = [await open(t), await startRedis(t)]
  const told = await Promise.all(
    [address, real].map(async (at) => {
      let said = ''
      const listener = startCli(t, at, 'SUBSCRIBE', 'news', 'more')
      listener.stdout?.on('data', (bytes) => (said += String(bytes)))
      await until('redis-cli listens', () => said.includes('more\n2\n'))
      const answers = await askCli(t, at, words('PUBLISH news hello', 'PUBLISH more again', 'PUBLISH other no'))
      await until('redis-cli has heard it', () => said.includes('again'))
      return said + answers
    }),
  )
  t.equal(told[0], told[1])
})

t.test('redis-server: is measured by redis-benchmark, pipelined too', { skip: whyNoRedis('redis-benchmark') }, async (t) => {
  const { address } = await open(t)
  for (const [pipelined, kinds] of [['1', 'set'], ['16', 'set,get,incr,lpush,lpop,hset']] as const) {
    const args = ['-p', String((address as { port: number }).port), '-n', '2000', '-P', pipelined, '--csv', '-t', kinds]
    const { stdout } = await promisify(execFile)('redis-benchmark', args)
    const measured = stdout.split('\n').slice(1, -1).map((line) => line.split('"')[1])
    t.same(new Set(measured), new Set(kinds.toUpperCase().split(',')))
  }
})

t.test('redis-server: forgets what has expired', async (t) => {
  const { address } = await open(t)
  const client = await openClient(t, address)
  await client.call('SET', 'a', '1', 'PX', 1)
  let answer: unknown = '1'
  while (answer !== null) answer = await client.call('GET', 'a')
  t.same(await Promise.all([client.call('TTL', 'a'), client.call('SET', 'a', '2', 'NX'), client.call('TTL', 'a'), client.call('DEL', 'a')]), [-2, 'OK', -1, 1])
})

t.test('redis-server: tells what it is', async (t) => {
  const { address } = await open(t)
  const client = await openClient(t, address)
  const hello = (await client.call('HELLO')) as Map<string, unknown>
  t.match(Object.fromEntries(hello), { server: 'redis', proto: 3 })
  t.match(await client.call('INFO'), /connected_clients:1\r\n/)
  t.match(await client.call('COMMAND'), [['ping', -1, [], 0, 0, 0]])
  t.equal(await client.call('COMMAND', 'COUNT'), ((await client.call('COMMAND')) as unknown[]).length)
  t.same(await client.call('COMMAND', 'DOCS'), new Map())
  t.equal(((await client.call('CONFIG', 'GET', '*')) as Map<string, string>).get('databases'), '16')
  await t.rejects(client.call('CONFIG', 'SET', 'save', ''), { name: 'RespError' })
})

t.test('redis-server: takes and gives a value of 50 MB, and refuses a longer command than it may', async (t) => {
  const { address } = await open(t)
  const client = await openClient(t, address, null)
  const value = Buffer.alloc(50_000_000, 'abc\r\n')
  t.equal(await client.call('SET', 'big', value), 'OK')
  const got = (await client.call('GET', 'big')) as Buffer
  t.ok(value.equals(got), `${got.length} bytes`)
  t.match(await askRaw(t, address, `*2\r\n$3\r\nGET\r\n$${513 * MIB}\r\n`), /^-ERR Protocol error: /)
})

t.test('redis-server: closes a subscriber who never reads; nobody else waits for him', async (t) => {
  const MAX_WAITING_BYTES = MIB
  const { redis, address } = await open(t, { maxWaitingBytes: MAX_WAITING_BYTES })
  const deaf = dial(t, address)
  deaf.on('error', () => {}).write('SUBSCRIBE news\r\n')
  await until('he has subscribed', () => redis.channels.has('news'))
  const [client, other] = [await openClient(t, address), await openClient(t, address)]
  let heard = 0
  await other.subscribe('news', (message) => (heard += message.length))
  const message = 'x'.repeat(64 * KIB)
  let sent = 0
  // What the kernel takes for him is none of our memory.
  for (let listeners: unknown = 2; listeners === 2 && sent < 2_000; sent++) listeners = await client.call('PUBLISH', 'news', message)
  t.ok(sent < 2_000, `closed after ${sent} messages of 64 KiB`)
  t.ok(sent * message.length > MAX_WAITING_BYTES, 'not before much waited for him')
  await until('the other one has heard all', () => heard === sent * message.length)
  await until('he is gone', () => redis.clients.size === 2)
})

t.test('redis-server: outlives its clients, however they go', async (t) => {
  const { redis, address } = await open(t)
  const client = await openClient(t, address)
  await client.call('SET', 'big', 'x'.repeat(4 * MIB))
  const sayings = ['', 'PING\r\n', 'PI', '*1\r\n$x\r\n', 'GET big\r\n', 'SUBSCRIBE news\r\n', 'SUBSCRIBE news\r\nQUIT\r\nPING\r\n', 'QUIT\r\n']
  for (const say of sayings) {
    for (const leave of [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.end().resume(), (socket: Socket) => socket.end(() => socket.resetAndDestroy())]) {
      const isThere = once(redis.server, 'connection')
      const socket = dial(t, address)
      socket.on('error', () => {})
      await isThere
      socket.write(say)
      await client.call('PUBLISH', 'news', 'hello')
      leave(socket)
      await client.call('PUBLISH', 'news', 'hello')
    }
  }
  await until('all are gone but one', () => redis.clients.size === 1)
  t.equal(redis.channels.size, 0)
  t.equal(await client.call('PING'), 'PONG')
})

t.test('redis-server: reads no more of a client who does not read', async (t) => {
  const { address } = await open(t)
  const client = await openClient(t, address)
  await client.call('SET', 'big', 'x'.repeat(MIB))
  const deaf = dial(t, address)
  deaf.write('GET big\r\n'.repeat(1_000) + 'SET mark 1\r\n')
  // The server answers others all the while, and does not come to the end of his commands.
  for (let round = 0; round < 500; round++) await client.call('PING')
  t.equal(await client.call('GET', 'mark'), null)
  let length = 0
  deaf.on('data', (chunk) => (length += chunk.length))
  await until('he gets it all when he reads', () => length === 1_000 * (MIB + '$1048576\r\n\r\n'.length) + '+OK\r\n'.length)
  t.equal(await client.call('GET', 'mark'), '1')
})
