import { invalidType, methodNotImplemented, tooManyHooks } from '../errors.js'
import type { InputMode } from './chat-input.js'
import { type ChatHooks, HOOK_NAMES } from './chat-options.js'

type HookName = keyof ChatHooks
type ArgumentsOf<K extends HookName> = Parameters<NonNullable<ChatHooks[K]>>

interface Collector {
  collect(data: Buffer): void
}

/**
 * The hooks of a channel: an option where it is given, else the method of its class.
 *
 * Rules: a hook is looked up when it is called, so a method may be replaced at any time; which of the input hooks there
 * are is looked up once, when the channel begins, so a class may have them as fields.
 */
export class HookCalls {
  readonly #options: ChatHooks
  readonly #chat: Required<ChatHooks> & Collector
  readonly #defaults: Required<ChatHooks>

  /** `defaults` are the methods that a class inherits: what is still one of them was not given. */
  constructor(options: ChatHooks, chat: Required<ChatHooks> & Collector, defaults: Required<ChatHooks>) {
    this.#options = options
    this.#chat = chat
    this.#defaults = defaults
  }

  call<K extends HookName>(name: K, ...args: ArgumentsOf<K>): unknown {
    const hook = (this.#options[name] ?? this.#chat[name]) as (...args: ArgumentsOf<K>) => unknown
    return hook.apply(this.#chat, args)
  }

  /** Keeps bytes for `takeCollected()`. */
  collect(data: Buffer): void {
    this.#chat.collect(data)
  }

  isGiven(name: HookName): boolean {
    return this.#options[name] !== undefined || this.#chat[name] !== this.#defaults[name]
  }

  /** Who takes the input. Throws where the hooks contradict each other, or one of the pair is missing. */
  inputMode(): InputMode {
    const collects = this.isGiven('collectIncomingData')
    const finds = this.isGiven('foundTerminator')
    if (this.isGiven('handleFrame')) {
      if (collects || finds) throw tooManyHooks()
      return 'frames'
    }
    if (collects !== finds) throw methodNotImplemented(collects ? 'foundTerminator' : 'collectIncomingData')
    return collects ? 'pieces' : 'reads'
  }

  /** Throws for a method that is no function: a field of a class can be anything. */
  check(): void {
    for (const name of HOOK_NAMES) {
      if (typeof this.#chat[name] !== 'function') throw invalidType(`AsyncChat.${name}`, 'a function', this.#chat[name])
    }
  }
}
