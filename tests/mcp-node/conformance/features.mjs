// What the conformance suite asks a server for: each method's answer, whichever SDK it is served by.

import { setTimeout as delay } from 'node:timers/promises';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const SILENCE = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA==';
const PAUSE = 50;

export const CAPABILITIES = { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {} };

const NOTHING = { type: 'object', properties: {} };
const text = (value) => ({ type: 'text', text: value });
const image = { type: 'image', data: PIXEL, mimeType: 'image/png' };
const resource = (uri, mimeType, value) => ({ type: 'resource', resource: { uri, mimeType, text: value } });
const saying = (...content) => ({ content });
const needing = (name) => ({ type: 'object', properties: { [name]: { type: 'string' } }, required: [name] });

/**
 * By name: the schema of the arguments, and the answer. `context` has what the SDKs call differently:
 * `notify(notification)`, `ask(method, params)`, `progressToken`, `closeStream()`.
 */
const TOOLS = {
  test_simple_text: { run: () => saying(text('This is a simple text response for testing.')) },
  test_image_content: { run: () => saying(image) },
  test_audio_content: { run: () => saying({ type: 'audio', data: SILENCE, mimeType: 'audio/wav' }) },
  test_embedded_resource: {
    run: () => saying(resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')),
  },
  test_multiple_content_types: {
    run: () => saying(
      text('Multiple content types test:'),
      image,
      resource('test://mixed-content-resource', 'application/json', JSON.stringify({ test: 'data', value: 123 })),
    ),
  },
  test_error_handling: {
    run: () => ({ isError: true, content: [text('This tool intentionally returns an error for testing')] }),
  },
  test_tool_with_logging: {
    async run(_, { notify }) {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await notify({ method: 'notifications/message', params: { level: 'info', data } });
        await delay(PAUSE);
      }
      return saying(text('logged'));
    },
  },
  test_tool_with_progress: {
    async run(_, { notify, progressToken }) {
      for (const progress of [0, 50, 100]) {
        await notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
        await delay(PAUSE);
      }
      return saying(text('done'));
    },
  },
  test_sampling: {
    inputSchema: needing('prompt'),
    async run({ prompt }, { ask }) {
      const messages = [{ role: 'user', content: text(prompt) }];
      const { content } = await ask('sampling/createMessage', { messages, maxTokens: 100 });
      return saying(text(`LLM response: ${content.text}`));
    },
  },
  test_elicitation: {
    inputSchema: needing('message'),
    run: ({ message }, { ask }) => elicited(ask, message, {
      username: { type: 'string', description: "User's response" },
      email: { type: 'string', description: "User's email address" },
    }),
  },
  test_elicitation_sep1034_defaults: {
    run: (_, { ask }) => elicited(ask, 'Please confirm', {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    }),
  },
  test_elicitation_sep1330_enums: {
    run: (_, { ask }) => elicited(ask, 'Please choose', {
      untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      titledSingle: { type: 'string', oneOf: titled('Option') },
      legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
      untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
      titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
    }),
  },
  json_schema_2020_12_tool: {
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
      properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
      additionalProperties: false,
    },
    run: () => saying(text('ok')),
  },
  test_reconnection: {
    async run(_, { notify, closeStream }) {
      // The suite speaks a version whose streams are not primed: this event gives the client the id to come back with.
      await notify({ method: 'notifications/message', params: { level: 'info', data: 'come back' } });
      await delay(PAUSE);
      closeStream();
      await delay(2 * PAUSE);
      return saying(text('the client came back'));
    },
  },
};

const titled = (noun) => ['First', 'Second', 'Third'].map((ordinal, index) => ({
  const: `value${index + 1}`, title: `${ordinal} ${noun}`,
}));

async function elicited(ask, message, properties) {
  const requestedSchema = { type: 'object', properties, required: Object.keys(properties) };
  const { action, content } = await ask('elicitation/create', { message, requestedSchema });
  return saying(text(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`));
}

const RESOURCES = {
  'test://static-text': { mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
  'test://static-binary': { mimeType: 'image/png', blob: PIXEL },
  'test://watched-resource': { mimeType: 'text/plain', text: 'This one is watched.' },
};

const user = (content) => ({ role: 'user', content });
const argument = (name) => ({ name, description: `the ${name}`, required: true });

const PROMPTS = {
  test_simple_prompt: { messages: () => [user(text('This is a simple prompt for testing.'))] },
  test_prompt_with_arguments: {
    arguments: ['arg1', 'arg2'],
    messages: ({ arg1, arg2 }) => [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
  },
  test_prompt_with_embedded_resource: {
    arguments: ['resourceUri'],
    messages: ({ resourceUri }) => [
      user(resource(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
      user(text('Please process the embedded resource above.')),
    ],
  },
  test_prompt_with_image: { messages: () => [user(image), user(text('Please analyze the image above.'))] },
};

/** By method: from the request's parameters and the context to the result. */
export const METHODS = {
  'tools/list': () => ({
    tools: Object.entries(TOOLS).map(([name, { inputSchema = NOTHING }]) => ({ name, description: `the tool ${name}`, inputSchema })),
  }),
  'tools/call': ({ name, arguments: parameters }, context) => TOOLS[name].run(parameters, context),
  'resources/list': () => ({
    resources: Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({ uri, name: uri, description: `the resource ${uri}`, mimeType })),
  }),
  'resources/templates/list': () => ({
    resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'template', description: 'one for each id', mimeType: 'application/json' }],
  }),
  'resources/read': ({ uri }) => ({ contents: [{ uri, ...(RESOURCES[uri] ?? fromTemplate(uri)) }] }),
  'resources/subscribe': () => ({}),
  'resources/unsubscribe': () => ({}),
  'prompts/list': () => ({
    prompts: Object.entries(PROMPTS).map(([name, { arguments: names = [] }]) => ({
      name, description: `the prompt ${name}`, arguments: names.map(argument),
    })),
  }),
  'prompts/get': ({ name, arguments: parameters }) => ({ messages: PROMPTS[name].messages(parameters) }),
  'completion/complete': () => ({ completion: { values: ['paris', 'park', 'party'], hasMore: false } }),
  'logging/setLevel': () => ({}),
};

function fromTemplate(uri) {
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri);
  return { mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) };
}

/** Keeps what a stream has sent, for the client that comes back for it. */
export class EventStore {
  #events = [];

  async storeEvent(streamId, message) {
    this.#events.push({ streamId, message });
    return String(this.#events.length - 1);
  }

  async getStreamIdForEventId(id) {
    return this.#events[id]?.streamId;
  }

  async replayEventsAfter(id, { send }) {
    const { streamId } = this.#events[id];
    for (const [index, event] of this.#events.entries()) {
      const isLater = index > Number(id) && event.streamId === streamId;
      if (isLater) await send(String(index), event.message);
    }
    return streamId;
  }
}
