import { dictionary } from '../../text/dictionary';

export const text = dictionary({
  en: {
    empty: 'Nothing new',
    emptyBody: 'What concerns you will be here, the moment it happens.',
    failed: 'The notifications could not be loaded',
    list: 'Notifications, newest first',
  },
  ko: {
    empty: '새 알림이 없습니다',
    emptyBody: '나와 관련된 소식이 생기면 바로 여기에 나타납니다.',
    failed: '알림을 불러오지 못했습니다',
    list: '알림 목록, 최근 순',
  },
});
