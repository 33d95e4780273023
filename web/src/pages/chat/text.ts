import { dictionary } from '../../text/dictionary';

export const text = dictionary({
  en: {
    rooms: 'Rooms',
    empty: 'No rooms yet',
    emptyBody: 'The first room is made by whoever has something to say.',
    failed: 'The rooms could not be loaded',
    back: 'All rooms',
    choose: 'Choose a room',
    chooseBody: 'The conversation appears here.',
    waiting: 'Opening the room…',
  },
  ko: {
    rooms: '대화방',
    empty: '아직 대화방이 없습니다',
    emptyBody: '할 이야기가 있는 사람이 첫 방을 만듭니다.',
    failed: '대화방을 불러오지 못했습니다',
    back: '모든 대화방',
    choose: '대화방을 고르세요',
    chooseBody: '대화가 여기에 나타납니다.',
    waiting: '대화방을 여는 중…',
  },
});
