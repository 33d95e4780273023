import { dictionary } from '../text/dictionary';

export const text = dictionary({
  en: {
    skip: 'Skip to the content',
    navigation: 'Pages',
    apiDocs: 'API docs',
    starting: 'Opening Kachi…',
    language: 'Language',
    theme: { label: 'Appearance', system: 'System', light: 'Light', dark: 'Dark' },
    unreachable: {
      title: 'The server cannot be reached',
      body: 'This page tries again by itself. You can also try at once.',
    },
    notFound: {
      title: 'There is no such page',
      body: 'The address may be mistyped, or the page has moved.',
      home: 'To the chat',
    },
    brokenPage: {
      title: 'The page could not be loaded',
      body: 'The connection may be down, or there is a newer version.',
    },
    failedPage: {
      title: 'Something went wrong on this page',
      body: 'The other pages still work. Reloading may help.',
    },
    live: {
      connecting: 'Connecting…',
      online: 'Connected',
      reconnecting: 'The connection was lost. Trying again…',
      offline: 'You are offline. This page goes on when you are back.',
      refused: (why: string) => `No live connection. ${why}`,
      expired: 'Your session has ended.',
    },
  },
  ko: {
    skip: '본문으로 건너뛰기',
    navigation: '페이지',
    apiDocs: 'API 문서',
    starting: '까치를 여는 중…',
    language: '언어',
    theme: { label: '화면 모드', system: '시스템', light: '밝게', dark: '어둡게' },
    unreachable: {
      title: '서버에 연결할 수 없습니다',
      body: '자동으로 다시 시도합니다. 지금 바로 시도할 수도 있습니다.',
    },
    notFound: {
      title: '페이지를 찾을 수 없습니다',
      body: '주소가 잘못되었거나 페이지가 옮겨졌습니다.',
      home: '채팅으로 가기',
    },
    brokenPage: {
      title: '페이지를 불러오지 못했습니다',
      body: '연결이 끊겼거나 새 버전이 나왔을 수 있습니다.',
    },
    failedPage: {
      title: '이 페이지에 문제가 생겼습니다',
      body: '다른 페이지는 그대로 쓸 수 있습니다. 새로 고치면 나아질 수 있습니다.',
    },
    live: {
      connecting: '연결하는 중…',
      online: '연결됨',
      reconnecting: '연결이 끊겼습니다. 다시 연결하는 중…',
      offline: '오프라인입니다. 다시 연결되면 이어집니다.',
      refused: (why) => `실시간으로 연결되지 않았습니다. ${why}`,
      expired: '로그인이 만료되었습니다.',
    },
  },
});
