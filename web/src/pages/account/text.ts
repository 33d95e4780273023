import { dictionary } from '../../text/dictionary';

export const text = dictionary({
  en: {
    signedInAs: 'Signed in as',
    preferences: 'Preferences',
    more: 'More',
    docs: 'API docs',
    docsBody: 'The HTTP API and the live events, for developers.',
    signOut: 'Sign out',
    signOutTitle: 'Sign out?',
    signOutBody: 'This signs you out in all tabs of this browser.',
    left: 'You are signed out.',
    leftOffline:
      'You are signed out here. The server cannot be reached at the moment; it is told when you open Kachi next.',
  },
  ko: {
    signedInAs: '로그인한 계정',
    preferences: '환경 설정',
    more: '더 보기',
    docs: 'API 문서',
    docsBody: '개발자를 위한 HTTP API와 실시간 이벤트 안내입니다.',
    signOut: '로그아웃',
    signOutTitle: '로그아웃할까요?',
    signOutBody: '이 브라우저의 모든 탭에서 로그아웃됩니다.',
    left: '로그아웃했습니다.',
    leftOffline:
      '이 기기에서 로그아웃했습니다. 지금은 서버에 연결할 수 없어, 다음에 까치를 열 때 서버에 알립니다.',
  },
});
