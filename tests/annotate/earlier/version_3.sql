PRAGMA application_id = 1346454341;
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE answers (
  box_id INTEGER NOT NULL, revision INTEGER NOT NULL, point INTEGER NOT NULL,
  label INTEGER NOT NULL CHECK (label IN (-1, 0, 1)),
  annotator TEXT NOT NULL, how TEXT NOT NULL DEFAULT 'asked', PRIMARY KEY (box_id, revision, point),
  FOREIGN KEY (box_id, revision) REFERENCES revisions) WITHOUT ROWID;
INSERT INTO "answers" VALUES(2000,0,0,1,'Åsa','asked');
INSERT INTO "answers" VALUES(2000,0,1,1,'Åsa','asked');
INSERT INTO "answers" VALUES(2000,0,2,0,'Åsa','asked');
INSERT INTO "answers" VALUES(2000,0,3,1,'Åsa','asked');
INSERT INTO "answers" VALUES(2001,0,0,1,'Anna','asked');
INSERT INTO "answers" VALUES(2001,0,1,0,'Anna','asked');
INSERT INTO "answers" VALUES(2001,0,2,1,'Anna','asked');
INSERT INTO "answers" VALUES(2001,0,3,1,'Anna','asked');
INSERT INTO "answers" VALUES(2001,1,0,0,'Anna','asked');
INSERT INTO "answers" VALUES(2001,1,1,1,'Anna','asked');
INSERT INTO "answers" VALUES(2001,1,2,-1,'Anna','asked');
INSERT INTO "answers" VALUES(2001,1,3,1,'Anna','asked');
INSERT INTO "answers" VALUES(2002,0,0,1,'Åsa','asked');
INSERT INTO "answers" VALUES(2002,0,1,1,'Åsa','asked');
INSERT INTO "answers" VALUES(2004,0,0,0,'Ben','asked');
INSERT INTO "answers" VALUES(2004,0,1,1,'Ben','asked');
INSERT INTO "answers" VALUES(2004,0,2,1,'Ben','asked');
INSERT INTO "answers" VALUES(2004,0,3,1,'Ben','asked');
CREATE TABLE boxes (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,
  image_id INTEGER NOT NULL REFERENCES images (id),
  revision INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
  annotator TEXT NOT NULL, imported INTEGER NOT NULL DEFAULT 0,
  holder TEXT, held_until REAL NOT NULL DEFAULT 0);
INSERT INTO "boxes" VALUES(2000,'import511a1b1b644a4fbebbd96142fb47efd7',1,0,0,'',1,'Åsa',1.79585576370322966572e+09);
INSERT INTO "boxes" VALUES(2001,'one',1,1,0,'Anna',0,'Anna',1.7958557636745095253e+09);
INSERT INTO "boxes" VALUES(2002,'two',1,0,0,'Anna',0,'Åsa',1.79585576368725919728e+09);
INSERT INTO "boxes" VALUES(2003,'gone',1,0,1,'Åsa',0,NULL,0.0);
INSERT INTO "boxes" VALUES(2004,'three',2,0,0,'Ben',0,'Ben',1.79585576372323203094e+09);
INSERT INTO "boxes" VALUES(2005,'four',3,0,0,'Ben',0,NULL,0.0);
CREATE TABLE changes (
  request TEXT PRIMARY KEY, annotator TEXT NOT NULL, kind TEXT NOT NULL,
  image_id INTEGER NOT NULL, box_id INTEGER, point INTEGER,
  seconds REAL NOT NULL, made_at REAL NOT NULL, reply TEXT NOT NULL)
  WITHOUT ROWID;
INSERT INTO "changes" VALUES('request-1','Anna','create',1,2001,NULL,6.5,1.79585546362726140023e+09,'{"box":{"id":2001,"key":"one","image":1,"revision":0,"last":0,"deleted":false,"by":"Anna","imported":false,"box":[3.25,4.5,20.0,18.75],"labels":[null,null,null,null],"answered_by":[null,null,null,null]}}');
INSERT INTO "changes" VALUES('request-10','Anna','answer',1,2001,0,0.9,1.79585546366322708128e+09,'{"box":{"id":2001,"key":"one","image":1,"revision":1,"last":1,"deleted":false,"by":"Anna","imported":false,"box":[3.5,4.5,21.0,18.75],"labels":[0,null,null,null],"answered_by":["Anna",null,null,null]}}');
INSERT INTO "changes" VALUES('request-11','Anna','answer',1,2001,1,1.025,1.79585546366721749301e+09,'{"box":{"id":2001,"key":"one","image":1,"revision":1,"last":1,"deleted":false,"by":"Anna","imported":false,"box":[3.5,4.5,21.0,18.75],"labels":[0,1,null,null],"answered_by":["Anna","Anna",null,null]}}');
INSERT INTO "changes" VALUES('request-12','Anna','answer',1,2001,2,1.15,1.79585546367121863366e+09,'{"box":{"id":2001,"key":"one","image":1,"revision":1,"last":1,"deleted":false,"by":"Anna","imported":false,"box":[3.5,4.5,21.0,18.75],"labels":[0,1,-1,null],"answered_by":["Anna","Anna","Anna",null]}}');
INSERT INTO "changes" VALUES('request-13','Anna','answer',1,2001,3,1.275,1.79585546367450952535e+09,'{"box":{"id":2001,"key":"one","image":1,"revision":1,"last":1,"deleted":false,"by":"Anna","imported":false,"box":[3.5,4.5,21.0,18.75],"labels":[0,1,-1,1],"answered_by":["Anna","Anna","Anna","Anna"]}}');
INSERT INTO "changes" VALUES('request-14','Anna','edit',1,2001,NULL,1.0,1.79585546367659664151e+09,'{"discarded":4,"box":{"id":2001,"key":"one","image":1,"revision":2,"last":2,"deleted":false,"by":"Anna","imported":false,"box":[3.5,4.5,22.0,18.75],"labels":[null,null,null,null],"answered_by":[null,null,null,null]}}');
INSERT INTO "changes" VALUES('request-15','Anna','set',1,2001,NULL,1.0,1.79585546367921376235e+09,'{"discarded":0,"box":{"id":2001,"key":"one","image":1,"revision":1,"last":2,"deleted":false,"by":"Anna","imported":false,"box":[3.5,4.5,21.0,18.75],"labels":[0,1,-1,1],"answered_by":["Anna","Anna","Anna","Anna"]}}');
INSERT INTO "changes" VALUES('request-16','Åsa','answer',1,2002,0,0.9,1.79585546368196082109e+09,'{"box":{"id":2002,"key":"two","image":1,"revision":0,"last":0,"deleted":false,"by":"Anna","imported":false,"box":[30.0,4.5,15.5,18.0],"labels":[1,null,null,null],"answered_by":["Åsa",null,null,null]}}');
INSERT INTO "changes" VALUES('request-17','Åsa','answer',1,2002,1,1.025,1.7958554636872591972e+09,'{"box":{"id":2002,"key":"two","image":1,"revision":0,"last":0,"deleted":false,"by":"Anna","imported":false,"box":[30.0,4.5,15.5,18.0],"labels":[1,1,null,null],"answered_by":["Åsa","Åsa",null,null]}}');
INSERT INTO "changes" VALUES('request-18','Åsa','answer',1,2000,0,0.9,1.79585546369188070294e+09,'{"box":{"id":2000,"key":"import511a1b1b644a4fbebbd96142fb47efd7","image":1,"revision":0,"last":0,"deleted":false,"by":"","imported":true,"box":[50.5,30.25,20.0,20.125],"labels":[1,null,null,null],"answered_by":["Åsa",null,null,null]}}');
INSERT INTO "changes" VALUES('request-19','Åsa','answer',1,2000,1,1.025,1.79585546369523477551e+09,'{"box":{"id":2000,"key":"import511a1b1b644a4fbebbd96142fb47efd7","image":1,"revision":0,"last":0,"deleted":false,"by":"","imported":true,"box":[50.5,30.25,20.0,20.125],"labels":[1,1,null,null],"answered_by":["Åsa","Åsa",null,null]}}');
INSERT INTO "changes" VALUES('request-2','Anna','create',1,2002,NULL,7.25,1.79585546363125681881e+09,'{"box":{"id":2002,"key":"two","image":1,"revision":0,"last":0,"deleted":false,"by":"Anna","imported":false,"box":[30.0,4.5,15.5,18.0],"labels":[null,null,null,null],"answered_by":[null,null,null,null]}}');
INSERT INTO "changes" VALUES('request-20','Åsa','answer',1,2000,2,1.15,1.79585546369922518725e+09,'{"box":{"id":2000,"key":"import511a1b1b644a4fbebbd96142fb47efd7","image":1,"revision":0,"last":0,"deleted":false,"by":"","imported":true,"box":[50.5,30.25,20.0,20.125],"labels":[1,1,0,null],"answered_by":["Åsa","Åsa","Åsa",null]}}');
INSERT INTO "changes" VALUES('request-21','Åsa','answer',1,2000,3,1.275,1.79585546370322966577e+09,'{"box":{"id":2000,"key":"import511a1b1b644a4fbebbd96142fb47efd7","image":1,"revision":0,"last":0,"deleted":false,"by":"","imported":true,"box":[50.5,30.25,20.0,20.125],"labels":[1,1,0,1],"answered_by":["Åsa","Åsa","Åsa","Åsa"]}}');
INSERT INTO "changes" VALUES('request-22','Ben','create',2,2004,NULL,9.0,1.79585546370722460747e+09,'{"box":{"id":2004,"key":"three","image":2,"revision":0,"last":0,"deleted":false,"by":"Ben","imported":false,"box":[40.0,10.0,12.0,14.0],"labels":[null,null,null,null],"answered_by":[null,null,null,null]}}');
INSERT INTO "changes" VALUES('request-23','Ben','answer',2,2004,0,0.9,1.79585546371039390563e+09,'{"box":{"id":2004,"key":"three","image":2,"revision":0,"last":0,"deleted":false,"by":"Ben","imported":false,"box":[40.0,10.0,12.0,14.0],"labels":[0,null,null,null],"answered_by":["Ben",null,null,null]}}');
INSERT INTO "changes" VALUES('request-24','Ben','answer',2,2004,1,1.025,1.79585546371522951133e+09,'{"box":{"id":2004,"key":"three","image":2,"revision":0,"last":0,"deleted":false,"by":"Ben","imported":false,"box":[40.0,10.0,12.0,14.0],"labels":[0,1,null,null],"answered_by":["Ben","Ben",null,null]}}');
INSERT INTO "changes" VALUES('request-25','Ben','answer',2,2004,2,1.15,1.79585546371922731394e+09,'{"box":{"id":2004,"key":"three","image":2,"revision":0,"last":0,"deleted":false,"by":"Ben","imported":false,"box":[40.0,10.0,12.0,14.0],"labels":[0,1,1,null],"answered_by":["Ben","Ben","Ben",null]}}');
INSERT INTO "changes" VALUES('request-26','Ben','answer',2,2004,3,1.275,1.79585546372323203085e+09,'{"box":{"id":2004,"key":"three","image":2,"revision":0,"last":0,"deleted":false,"by":"Ben","imported":false,"box":[40.0,10.0,12.0,14.0],"labels":[0,1,1,1],"answered_by":["Ben","Ben","Ben","Ben"]}}');
INSERT INTO "changes" VALUES('request-27','Ben','create',3,2005,NULL,9.0,1.79585546372462415698e+09,'{"box":{"id":2005,"key":"four","image":3,"revision":0,"last":0,"deleted":false,"by":"Ben","imported":false,"box":[40.0,10.0,12.0,14.0],"labels":[null,null,null,null],"answered_by":[null,null,null,null]}}');
INSERT INTO "changes" VALUES('request-3','Åsa','create',1,2003,NULL,5.0,1.79585546363525080677e+09,'{"box":{"id":2003,"key":"gone","image":1,"revision":0,"last":0,"deleted":false,"by":"Åsa","imported":false,"box":[5.0,35.0,15.5,18.0],"labels":[null,null,null,null],"answered_by":[null,null,null,null]}}');
INSERT INTO "changes" VALUES('request-4','Åsa','set',1,2003,NULL,1.0,1.79585546363925409318e+09,'{"discarded":0,"box":{"id":2003,"key":"gone","image":1,"revision":0,"last":0,"deleted":true,"by":"Åsa","imported":false,"box":[5.0,35.0,15.5,18.0],"labels":[null,null,null,null],"answered_by":[null,null,null,null]}}');
INSERT INTO "changes" VALUES('request-5','Anna','answer',1,2001,0,0.9,1.79585546364325428008e+09,'{"box":{"id":2001,"key":"one","image":1,"revision":0,"last":0,"deleted":false,"by":"Anna","imported":false,"box":[3.25,4.5,20.0,18.75],"labels":[1,null,null,null],"answered_by":["Anna",null,null,null]}}');
INSERT INTO "changes" VALUES('request-6','Anna','answer',1,2001,1,1.025,1.79585546364723324776e+09,'{"box":{"id":2001,"key":"one","image":1,"revision":0,"last":0,"deleted":false,"by":"Anna","imported":false,"box":[3.25,4.5,20.0,18.75],"labels":[1,0,null,null],"answered_by":["Anna","Anna",null,null]}}');
INSERT INTO "changes" VALUES('request-7','Anna','answer',1,2001,2,1.15,1.79585546365123987196e+09,'{"box":{"id":2001,"key":"one","image":1,"revision":0,"last":0,"deleted":false,"by":"Anna","imported":false,"box":[3.25,4.5,20.0,18.75],"labels":[1,0,1,null],"answered_by":["Anna","Anna","Anna",null]}}');
INSERT INTO "changes" VALUES('request-8','Anna','answer',1,2001,3,1.275,1.79585546365546417238e+09,'{"box":{"id":2001,"key":"one","image":1,"revision":0,"last":0,"deleted":false,"by":"Anna","imported":false,"box":[3.25,4.5,20.0,18.75],"labels":[1,0,1,1],"answered_by":["Anna","Anna","Anna","Anna"]}}');
INSERT INTO "changes" VALUES('request-9','Anna','edit',1,2001,NULL,2.5,1.79585546366030549998e+09,'{"discarded":4,"box":{"id":2001,"key":"one","image":1,"revision":1,"last":1,"deleted":false,"by":"Anna","imported":false,"box":[3.5,4.5,21.0,18.75],"labels":[null,null,null,null],"answered_by":[null,null,null,null]}}');
CREATE TABLE completeness (
  image_id INTEGER PRIMARY KEY REFERENCES images (id),
  revision INTEGER NOT NULL, complete TEXT NOT NULL,
  annotator TEXT NOT NULL);
INSERT INTO "completeness" VALUES(2,0,'true','');
CREATE TABLE images (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  width INTEGER NOT NULL, height INTEGER NOT NULL,
  bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL);
INSERT INTO "images" VALUES(1,'a.tif',80,60,9856,1795855463585965901);
INSERT INTO "images" VALUES(2,'b.tif',80,60,9856,1795855463586259031);
INSERT INTO "images" VALUES(3,'c.tif',80,60,9856,1795855463586547102);
CREATE TABLE meta (
  name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('channel',-1);
INSERT INTO "meta" VALUES('num_points',4);
INSERT INTO "meta" VALUES('page',-1);
INSERT INTO "meta" VALUES('project','5940e196573d4fd697ae127dd2736e41');
INSERT INTO "meta" VALUES('seed',7);
CREATE TABLE rejections (
  key TEXT PRIMARY KEY, image_id INTEGER NOT NULL REFERENCES images (id),
  x REAL NOT NULL, y REAL NOT NULL, width REAL NOT NULL, height REAL NOT NULL,
  annotator TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
INSERT INTO "rejections" VALUES('r1-1-7',1,5.0,6.0,9.0,8.0,'Anna',0);
CREATE TABLE revisions (
  box_id INTEGER NOT NULL REFERENCES boxes (id), revision INTEGER NOT NULL,
  x REAL NOT NULL, y REAL NOT NULL, width REAL NOT NULL, height REAL NOT NULL,
  annotator TEXT NOT NULL, PRIMARY KEY (box_id, revision)) WITHOUT ROWID;
INSERT INTO "revisions" VALUES(2000,0,50.5,30.25,20.0,20.125,'');
INSERT INTO "revisions" VALUES(2001,0,3.25,4.5,20.0,18.75,'Anna');
INSERT INTO "revisions" VALUES(2001,1,3.5,4.5,21.0,18.75,'Anna');
INSERT INTO "revisions" VALUES(2001,2,3.5,4.5,22.0,18.75,'Anna');
INSERT INTO "revisions" VALUES(2002,0,30.0,4.5,15.5,18.0,'Anna');
INSERT INTO "revisions" VALUES(2003,0,5.0,35.0,15.5,18.0,'Åsa');
INSERT INTO "revisions" VALUES(2004,0,40.0,10.0,12.0,14.0,'Ben');
INSERT INTO "revisions" VALUES(2005,0,40.0,10.0,12.0,14.0,'Ben');
CREATE TABLE rounds (
  id INTEGER PRIMARY KEY, request TEXT NOT NULL UNIQUE,
  annotator TEXT NOT NULL, started_at REAL NOT NULL,
  settings TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT NOT NULL);
INSERT INTO "rounds" VALUES(1,'r1','Anna',1000.0,'{"iterations":300,"start":null,"images":2,"boxes":4}','done','{"checkpoint":"run/best_x_iter_30.pth","score":0.5}');
CREATE INDEX boxes_by_image ON boxes (image_id);
CREATE INDEX boxes_by_holder ON boxes (holder) WHERE holder IS NOT NULL;
CREATE INDEX changes_by_image ON changes (image_id);
CREATE INDEX rejections_by_image ON rejections (image_id);
COMMIT;
