// Words that several parts of the pages use.

import { dictionary } from './dictionary';

export const common = dictionary({
  en: {
    cancel: 'Cancel',
    close: 'Close',
    dismiss: 'Dismiss',
    loading: 'Loading…',
    reload: 'Reload the page',
    tryAgain: 'Try again',
  },
  ko: {
    cancel: '취소',
    close: '닫기',
    dismiss: '알림 지우기',
    loading: '불러오는 중…',
    reload: '페이지 새로 고침',
    tryAgain: '다시 시도',
  },
});
