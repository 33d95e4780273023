// Package demo fills a new database with people, rooms, messages, places and notifications, so
// that there is something to look at: `kachi serve --demo`.
package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/paulmach/orb"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
)

// Password is that of everybody in the sample data. The server says so where it is filled.
const Password = "kachi demo"

// Names are the people, the administrator first.
var Names = []string{"Mina", "준", "Sora", "Theo"}

// ErrNotEmpty: the database has accounts already, and is left as it is.
var ErrNotEmpty = errors.New("demo: there are accounts already")

// Fill adds the sample data to a database without accounts. What goes wrong in the middle
// leaves what was added before.
func Fill(ctx context.Context, db *store.DB, accounts *account.Accounts, now time.Time) error {
	if some, err := db.FindUsers(ctx, "", 1); err != nil || len(some) > 0 {
		return errors.Join(err, ErrNotEmpty)
	}
	f := &filler{ctx: ctx, db: db, now: now.Add(-26 * time.Hour)}
	for _, name := range Names {
		u, err := accounts.Create(ctx, name, Password)
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		f.people = append(f.people, u)
	}
	f.chat()
	f.places()
	f.notifications()
	if f.err != nil {
		return fmt.Errorf("demo: %w", f.err)
	}
	return nil
}

// filler adds one thing after the other until something fails.
type filler struct {
	ctx    context.Context
	db     *store.DB
	people []account.User
	now    time.Time // goes on with each message
	nest   store.ID  // the room of all
	err    error
}

const most = 1000 // of anything that the store bounds

func (f *filler) room(name string, private bool, members ...int) store.ID {
	if f.err != nil {
		return 0
	}
	r, err := f.db.AddRoom(f.ctx, store.Room{Name: name, Private: private, Owner: f.people[members[0]].ID, Created: f.now}, most)
	f.err = err
	for _, m := range members[1:] {
		if f.err == nil {
			_, f.err = f.db.AddMember(f.ctx, store.Admission{User: f.people[m].ID, Room: r.ID, Invited: true, Now: f.now, MostMembers: most, MostRooms: most})
		}
	}
	return r.ID
}

// says adds what somebody wrote, some minutes after what was written before.
func (f *filler) says(room store.ID, who int, later time.Duration, text string) {
	if f.err != nil {
		return
	}
	f.now = f.now.Add(later)
	added, err := f.db.AddMessages(f.ctx, room, []store.NewMessage{{Sender: f.people[who].ID, SenderName: f.people[who].Name, Text: text}}, f.now)
	if err == nil {
		err = added[0].Err
	}
	f.err = err
}

func (f *filler) chat() {
	const mina, jun, sora, theo = 0, 1, 2, 3
	f.nest = f.room("둥지 · The nest", false, mina, jun, sora, theo)
	f.says(f.nest, mina, 0, "안녕하세요! 여기는 모두가 모이는 방이에요. 🐦")
	f.says(f.nest, theo, 2*time.Minute, "Hello everybody. Is this where the news comes in?")
	f.says(f.nest, mina, time.Minute, "It is. Where the magpie sings, a guest is coming: 까치가 울면 반가운 손님이 온대요.")
	f.says(f.nest, jun, 5*time.Minute, "오늘 저녁에 한강에서 만날까요? 지도에 제 위치를 켜 둘게요.")
	f.says(f.nest, sora, 3*time.Minute, "좋아요! 7시쯤 어때요?")
	f.says(f.nest, theo, 8*time.Minute, "I'll bring something to eat. Anything you cannot have?")
	f.says(f.nest, sora, time.Minute, "Nuts, please not. 고마워요, Theo!")
	f.says(f.nest, jun, 19*time.Hour, "어제 정말 즐거웠어요. 사진은 곧 올릴게요.")
	f.says(f.nest, mina, 30*time.Minute, "I look forward to them. The bridge at night was beautiful.")

	team := f.room("Release 1.0", true, mina, theo, jun)
	f.says(team, theo, 10*time.Minute, "The last list:\n1. the Korean texts\n2. the phone layout\n3. a demo that is worth looking at")
	f.says(team, jun, 4*time.Minute, "1번은 끝났어요. 한 번 봐 주세요.")
	f.says(team, mina, 12*time.Minute, "봤어요, 아주 좋아요. 2 is done as well.")
	f.says(team, theo, 2*time.Minute, "Then we are looking at 3 right now.")

	f.room("Books", false, sora)
}

func (f *filler) place(owner int, name string, place orb.Geometry, watchers ...int) {
	if f.err != nil {
		return
	}
	l, err := f.db.AddLocation(f.ctx, store.Location{Owner: f.people[owner].ID, Name: name, Place: place, Updated: f.now}, most)
	f.err = err
	for _, w := range watchers {
		if f.err == nil {
			f.err = f.db.AddWatcher(f.ctx, l.ID, f.people[w].ID, f.now, most)
		}
	}
}

func (f *filler) places() {
	const mina, jun, sora, theo = 0, 1, 2, 3
	f.place(mina, "Mina", orb.Point{126.9780, 37.5665}, jun, sora, theo)
	f.place(jun, "준", orb.Point{126.9366, 37.5266}, mina, sora, theo)
	f.place(theo, "Theo", orb.Point{2.3522, 48.8566}, mina)
	f.place(sora, "한강 산책 · A walk along the river", orb.LineString{
		{126.9275, 37.5302}, {126.9330, 37.5283}, {126.9366, 37.5266}, {126.9416, 37.5241}, {126.9467, 37.5213},
	}, mina, jun)
	f.place(mina, "서울숲 · Seoul Forest", orb.Polygon{{
		{127.0340, 37.5470}, {127.0445, 37.5470}, {127.0445, 37.5405}, {127.0360, 37.5405}, {127.0340, 37.5470},
	}}, jun, sora, theo)
}

// notifications lead to what else there is: the page follows data.url.
func (f *filler) notifications() {
	if f.err != nil {
		return
	}
	var list []store.Notification
	for _, p := range f.people {
		list = append(list,
			store.Notification{User: p.ID, Created: f.now, Title: "까치 소식 · News", Body: "공유된 장소가 지도에 있어요. Open the map to see the places that are shared with you.", Data: []byte(`{"url":"/map"}`)},
			store.Notification{User: p.ID, Created: f.now.Add(10 * time.Minute), Title: "The nest is where everybody meets",
				Body: "어제 이야기가 이어지고 있어요.", Data: []byte(`{"url":"/chat/` + f.nest.String() + `"}`)})
	}
	_, f.err = f.db.AddNotifications(f.ctx, list, most)
}
