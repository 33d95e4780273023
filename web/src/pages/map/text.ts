import { dictionary } from '../../text/dictionary';

export const text = dictionary({
  en: {
    empty: 'Nobody is on the map',
    emptyBody: 'Whoever shares a location with you appears here, and moves as they move.',
  },
  ko: {
    empty: '지도에 아무도 없습니다',
    emptyBody: '위치를 공유한 사람이 여기에 나타나고, 움직이는 대로 따라 움직입니다.',
  },
});
