import t from 'tap'
import { HookCalls } from '../../src/chat/hook-calls.js'
import { type ChatHooks, HOOK_NAMES } from '../../src/chat/chat-options.js'
import type { InputMode } from '../../src/chat/chat-input.js'

/** As AsyncChat has them: what is one of these was not given. */
class Base {
  readonly log: unknown[] = []
  collect(data: Buffer): void {
    this.log.push(['collect', data])
  }
  handleConnect(): void {}
  collectIncomingData(_data: Buffer): void {}
  foundTerminator(): void {}
  handleFrame(_frame: Buffer): void {}
  handleEnd(): void {}
  handleClose(): void {}
  handleError(_error: Error): void {}
  handleDrain(): void {}
  handleTimeout(): void {}
}

function callsOf(options: ChatHooks, chat: Base = new Base()): HookCalls {
  return new HookCalls(options, chat, Base.prototype)
}

const noop = (): void => {}

const modes: readonly [name: string, given: readonly (keyof ChatHooks)[], wanted: InputMode | { code: string; message: RegExp }][] = [
  ['nobody', [], 'reads'],
  ['hooks that take no input', ['handleConnect', 'handleError', 'handleEnd', 'handleClose', 'handleDrain', 'handleTimeout'], 'reads'],
  ['the pair', ['collectIncomingData', 'foundTerminator'], 'pieces'],
  ['handleFrame', ['handleFrame'], 'frames'],
  ['only collectIncomingData', ['collectIncomingData'], { code: 'ERR_METHOD_NOT_IMPLEMENTED', message: /foundTerminator\(\)/ }],
  ['only foundTerminator', ['foundTerminator'], { code: 'ERR_METHOD_NOT_IMPLEMENTED', message: /collectIncomingData\(\)/ }],
  ['handleFrame beside the pair', ['handleFrame', 'collectIncomingData', 'foundTerminator'], { code: 'ERR_INVALID_ARG_TYPE', message: /handleFrame/ }],
  ['handleFrame beside collectIncomingData', ['handleFrame', 'collectIncomingData'], { code: 'ERR_INVALID_ARG_TYPE', message: /handleFrame/ }],
  ['handleFrame beside foundTerminator', ['handleFrame', 'foundTerminator'], { code: 'ERR_INVALID_ARG_TYPE', message: /handleFrame/ }],
]

for (const [name, given, wanted] of modes) {
  t.test(`HookCalls: says who takes the input: ${name}`, async (t) => {
    const hooks = Object.fromEntries(given.map((hook) => [hook, noop]))
    const asMethods: Base = Object.assign(new (class extends Base {})(), hooks)
    for (const calls of [callsOf(hooks), callsOf({}, asMethods)]) {
      if (typeof wanted === 'string') t.equal(calls.inputMode(), wanted)
      else t.throws(() => calls.inputMode(), wanted)
    }
  })
}

t.test('HookCalls: calls the option before the method, with the chat as this', async (t) => {
  const chat = new (class extends Base {
    override handleFrame(frame: Buffer): string {
      this.log.push(['method', frame])
      return 'from the method'
    }
  })()
  const frame = Buffer.from('a')
  t.equal(callsOf({}, chat).call('handleFrame', frame), 'from the method')
  const option = function (this: Base, given: Buffer): void {
    this.log.push(['option', given])
  } as NonNullable<ChatHooks['handleFrame']>
  callsOf({ handleFrame: option }, chat).call('handleFrame', frame)
  t.same(chat.log, [['method', frame], ['option', frame]])
})

t.test('HookCalls: looks a method up when it is called', async (t) => {
  const chat = new Base()
  const calls = callsOf({}, chat)
  chat.handleDrain = () => void chat.log.push('replaced')
  calls.call('handleDrain')
  t.same(chat.log, ['replaced'])
})

t.test('HookCalls: knows which hooks are given', async (t) => {
  for (const name of HOOK_NAMES) {
    t.equal(callsOf({}).isGiven(name), false, name)
    t.equal(callsOf({ [name]: noop }).isGiven(name), true, `${name} as an option`)
    t.equal(callsOf({}, Object.assign(new Base(), { [name]: noop })).isGiven(name), true, `${name} as a field`)
  }
})

t.test('HookCalls: collects with the chat', async (t) => {
  const chat = new Base()
  callsOf({}, chat).collect(Buffer.from('a'))
  t.same(chat.log, [['collect', Buffer.from('a')]])
})

t.test('HookCalls: refuses a method that is no function, naming it', async (t) => {
  callsOf({}).check()
  for (const name of HOOK_NAMES) {
    const chat = Object.assign(new Base(), { [name]: 42 })
    t.throws(() => callsOf({}, chat).check(), { code: 'ERR_INVALID_ARG_TYPE', message: new RegExp(`AsyncChat.${name}.*42`) })
  }
})
