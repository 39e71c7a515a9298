"""Programs and tests of the kinds on which graders have failed: each has the verdict of a careful judge, or is refused when it is read.

The number before a name is that of the kind in docs/code-rewards.md. `BAD` stands for tests that cannot run apart from the program.
"""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.grading.grading import Grading
from sandbox.grading.tests import BadTests
from tasks.domain.digits import any_digits
from tasks.graders.program_rows import program_of

pytestmark = pytest.mark.heavy


def A(test: str, entry_point: str | None = None) -> dict[str, Any]:
    return {"test": test, "entry_point": entry_point}


def C(name: str, inputs: list[Any], outputs: list[Any]) -> dict[str, Any]:
    return {"fn_name": name, "inputs": inputs, "outputs": outputs}


def S(inputs: list[Any], outputs: list[Any]) -> dict[str, Any]:
    return {"inputs": inputs, "outputs": outputs}


def U(body: str) -> str:
    return f"import unittest\nclass T(unittest.TestCase):\n{body}\nif __name__ == '__main__':\n    unittest.main()"


def long(number: int) -> str:
    """More digits than Python writes by default, a limit that this process keeps."""
    with any_digits():
        return str(number)


def deep(levels: int) -> list[Any]:
    value: list[Any] = [1]
    for _ in range(levels):
        value = [value]
    return value


F = "def f(x): return x"
KINDS: list[tuple[str, str, dict[str, Any], str]] = [
    # 1 harness names
    ("1 zip",  "RE",C("pairwise",[[[1,2]]],[[[1,2]]]),"pass"),
    ("1 heap", "RE",C("heappush",[[[1],2]],[None]),"import heapq"),
    ("1 imported counts","AC",C("gcd",[[12,18]],[6]),"from math import gcd"),
    ("1 assert sorted","RE|WA",A("assert sorted([2,1]) == [1,2]"),"x=1"),
    # 2 call in-place
    ("2 ret arg","AC",C("f",[[[3,1,2]]],[[1,2,3]]),"def f(a):\n    a.sort()\n    return a"),
    ("2 ret part","AC",C("f",[[[[3],[1]]]],[[3]]),"def f(a): return a[0]"),
    ("2 same twice","AC",C("f",[[[3,1]]],[[[3,1],[3,1]]]),"def f(a): return [a,a]"),
    ("2 dict arg","AC",C("f",[[{"a":[1]}]],[{"a":[1,2]}]),"def f(a):\n    a['a'].append(2)\n    return a"),
    ("2 self ref","WA|OLE|RE",C("f",[[[1]]],[[1]]),"def f(a):\n    a.append(a)\n    return a"),
    ("2 none inplace expect none","AC",C("f",[[[1]]],[None]),"def f(a): a.append(1)"),
    # 3 stdout
    ("3 StringIO","AC",S(["3"],["0\n1\n2"]),"import sys, io\nsys.stdout = io.StringIO()\nfor i in range(int(input())): print(i)\nsys.__stdout__.write(sys.stdout.getvalue())"),
    ("3 fastio","AC",S(["3\n4"],["7"]),"import os, sys\nfrom io import BytesIO, IOBase\nBUFSIZE=8192\nclass FastIO(IOBase):\n    newlines=0\n    def __init__(self, file):\n        self._fd=file.fileno(); self.buffer=BytesIO(); self.writable='x' in file.mode or 'r' not in file.mode\n        self.write=self.buffer.write if self.writable else None\n    def read(self):\n        while True:\n            b=os.read(self._fd,max(os.fstat(self._fd).st_size,BUFSIZE))\n            if not b: break\n            ptr=self.buffer.tell(); self.buffer.seek(0,2), self.buffer.write(b), self.buffer.seek(ptr)\n        self.newlines=0\n        return self.buffer.read()\n    def readline(self):\n        while self.newlines==0:\n            b=os.read(self._fd,max(os.fstat(self._fd).st_size,BUFSIZE)); self.newlines=b.count(b'\\n')+(not b)\n            ptr=self.buffer.tell(); self.buffer.seek(0,2), self.buffer.write(b), self.buffer.seek(ptr)\n        self.newlines-=1\n        return self.buffer.readline()\n    def flush(self):\n        if self.writable:\n            os.write(self._fd,self.buffer.getvalue()); self.buffer.truncate(0), self.buffer.seek(0)\nclass IOWrapper(IOBase):\n    def __init__(self,file):\n        self.buffer=FastIO(file); self.flush=self.buffer.flush; self.writable=self.buffer.writable\n        self.write=lambda s:self.buffer.write(s.encode('ascii')); self.read=lambda:self.buffer.read().decode('ascii'); self.readline=lambda:self.buffer.readline().decode('ascii')\nsys.stdin, sys.stdout = IOWrapper(sys.stdin), IOWrapper(sys.stdout)\ninput=lambda: sys.stdin.readline().rstrip('\\r\\n')\na=int(input()); b=int(input())\nprint(a+b)"),
    ("3 redirect","AC",S(["3"],["3"]),"import contextlib, io\nb=io.StringIO()\nwith contextlib.redirect_stdout(b): print(input())\nprint(b.getvalue(), end='')"),
    ("3 buffer.write","AC",S([""],["hi"]),"import sys\nsys.stdout.buffer.write(b'hi\\n')"),
    ("3 os.write+print","AC",S([""],["a\nb"]),"import os,sys\nprint('a'); sys.stdout.flush(); os.write(1,b'b\\n')"),
    ("3 atexit flush","AC",S([""],["x"]),"import atexit, io, sys\nout=io.StringIO()\natexit.register(lambda: sys.__stdout__.write(out.getvalue()))\nprint('x',file=out)"),
    ("3 codecs","AC",S([""],["é"]),"import sys,codecs\nsys.stdout = codecs.getwriter('utf-8')(sys.stdout.detach())\nprint('é')"),
    ("3 reconfigure","AC",S(["a"],["a"]),"import sys\nsys.stdin.reconfigure(encoding='utf-8'); sys.stdout.reconfigure(line_buffering=False)\nprint(input())"),
    ("3 print override","AC",S(["2"],["4"]),"import sys\nprint=lambda x: sys.stdout.write(str(x)+'\\n')\nprint(int(sys.stdin.read())*2)"),
    # 4 constants
    ("4 table","AC",A("assert all(p in PRIMES for p in (2,3,5))\nassert f(4) == PRIMES[2]","f"),"PRIMES=[2,3,5,7]\ndef f(n): return PRIMES[n-2]"),
    ("4 dict const","AC",A("assert decode('a') == TABLE['a']","decode"),"TABLE={'a':'x'}\ndef decode(c): return TABLE[c]"),
    ("4 limit","AC",A("assert len(f(LIMIT)) == LIMIT","f"),"LIMIT=5\ndef f(n): return [0]*n"),
    ("4 enum","AC",A("assert f(1) == Color.RED and f(1).name == 'RED' and f(2) is Color.BLUE","f"),"from enum import Enum\nclass Color(Enum):\n    RED=1\n    BLUE=2\ndef f(n): return Color(n)"),
    ("4 enum wrong","WA",A("assert f(1) == Color.RED","f"),"from enum import Enum\nclass Color(Enum):\n    RED=1\n    BLUE=2\ndef f(n): return Color.BLUE"),
    ("4 intenum","AC",A("assert f(1) == Level.LOW\nassert f(1) < Level.HIGH","f"),"from enum import IntEnum\nclass Level(IntEnum):\n    LOW=1\n    HIGH=2\ndef f(n): return Level(n)"),
    ("4 class attr","AC",A("assert Config.SIZE == 3 and f() == Config.SIZE","f"),"class Config:\n    SIZE=3\ndef f(): return Config.SIZE"),
    ("4 mod const", "AC",A("assert f(10**9+8) == (10**9+8) % MOD","f"),"MOD=10**9+7\ndef f(x): return x % MOD"),
    # 5 builtin names
    ("5 max","AC",A("assert max([1,5]) == 5\nassert max([2]) == 2","max"),"def max(a): return sorted(a)[-1]"),
    ("5 max none","AC",A("assert max([1,5]) == 5\nassert max([2]) == 2"),"def max(a): return sorted(a)[-1]"),
    ("5 select","AC",A("assert select([1,2], 0) == 1","select"),"def select(a,i): return a[i]"),
    ("5 select none","AC",A("assert select([1,2], 0) == 1"),"def select(a,i): return a[i]"),
    ("5 copy none","AC",A("assert copy([1]) == [1]"),"def copy(a): return a[:]"),
    ("5 statistics","AC",A("assert statistics([1,2]) == (1.5, 2)"),"def statistics(a): return (sum(a)/len(a), len(a))"),
    ("5 pow+other","AC",A("assert pow(2,3) == 8\nassert abs(pow(2.0,0.5)-1.41421) < 1e-4","pow"),"def pow(a,b): return a**b"),
    ("5 filter list","AC",A("assert list(filter([1,2,3])) == [2]"),"def filter(a): return [x for x in a if x%2==0]"),
    ("5 sum of sum","AC",A("assert sum(1,2) == 3 and sum(4,5) == 9"),"def sum(a,b): return a+b"),
    ("5 wrong sum","WA|RE",A("assert sum(1,2) == 3 and sum(4,5) == 9"),"def sum(a,b): return a-b"),
    ("5 calendar","AC",A("assert calendar(2020, 2) == 29","calendar"),"import calendar as c\ndef calendar(y,m): return c.monthrange(y,m)[1]"),
    ("5 round","AC",A("assert round(2.5) == 3","round"),"def round(x): return int(x+.5)"),
    ("5 type","AC",A("assert type(3) == 'integer'","type"),"def type(x): return 'integer' if isinstance(x,int) else 'other'"),
    # 6 callbacks
    ("6 memo","AC",A("n=0\n@memo\ndef fib(k):\n    global n\n    n+=1\n    return k if k<2 else fib(k-1)+fib(k-2)\nassert fib(10)==55\nassert n==11","memo"),"def memo(fn):\n    c={}\n    def inner(k):\n        if k not in c: c[k]=fn(k)\n        return c[k]\n    return inner"),
    ("6 memo wrong","WA",A("n=0\n@memo\ndef fib(k):\n    global n\n    n+=1\n    return k if k<2 else fib(k-1)+fib(k-2)\nassert fib(10)==55\nassert n==11","memo"),"def memo(fn):\n    return fn"),
    ("6 sort key","AC",A("assert sort_by([3,1,2], key=lambda x:-x) == [3,2,1]","sort_by"),"def sort_by(a,key): return sorted(a,key=key)"),
    ("6 reduce","AC",A("assert my_reduce(lambda a,b:a*b,[1,2,3,4]) == 24","my_reduce"),"def my_reduce(f,a):\n    r=a[0]\n    for x in a[1:]: r=f(r,x)\n    return r"),
    ("6 callback raising","AC",A("def bad(): raise KeyError('k')\nassert attempt(bad) == 'KeyError'","attempt"),"def attempt(f):\n    try: return f()\n    except Exception as e: return type(e).__name__"),
    ("6 retry","AC",A("state=[0]\ndef flaky():\n    state[0]+=1\n    if state[0]<3: raise ValueError\n    return 'ok'\nassert retry(flaky, 5)=='ok'\nassert state==[3]","retry"),"def retry(f,n):\n    for i in range(n):\n        try: return f()\n        except ValueError: pass"),
    ("6 compose","AC",A("h=compose(lambda x:x+1, lambda x:x*2)\nassert h(3)==7","compose"),"def compose(f,g): return lambda x: f(g(x))"),
    ("6 curry","AC",A("c=curry(lambda a,b,c:a+b+c, 3)\nassert c(1)(2)(3)==6","curry"),"def curry(f,n,args=()):\n    return f(*args) if n==0 else lambda x: curry(f,n-1,args+(x,))"),
    ("6 subclass of program class","BAD",A("class B(Base):\n    def area(self): return 4\nassert B().describe() == 'area 4'","Base"),"class Base:\n    def area(self): raise NotImplementedError\n    def describe(self): return f'area {self.area()}'"),
    ("6 observer","AC",A("got=[]\ns=Subject()\ns.attach(got.append)\ns.notify(5)\nassert got==[5]","Subject"),"class Subject:\n    def __init__(self): self.o=[]\n    def attach(self,f): self.o.append(f)\n    def notify(self,x):\n        for f in self.o: f(x)"),
    ("6 wraps","AC",A("@timed\ndef foo():\n    'doc'\n    return 1\nassert foo()==1 and foo.__name__=='foo' and foo.__doc__=='doc'","timed"),"import functools\ndef timed(f):\n    @functools.wraps(f)\n    def inner(*a): return f(*a)\n    return inner"),
    ("7 many nums","AC",S(["300000"],["\n".join(map(str,range(300000)))]),"n=int(input())\nfor i in range(n): print(i)"),
    ("7 threads","AC",S([""],["20"]),"import threading\nr=[]\nts=[threading.Thread(target=r.append,args=(i,)) for i in range(20)]\n[t.start() for t in ts]; [t.join() for t in ts]\nprint(len(r))"),
    ("7 big stack","AC",S(["50000"],["50000"]),"import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(512*1024*1024)\ndef main():\n    def d(n): return 0 if n==0 else 1+d(n-1)\n    print(d(int(input())))\nt=threading.Thread(target=main); t.start(); t.join()"),
    ("7 rlimit","AC",S([""],["ok"]),"import resource\nresource.setrlimit(resource.RLIMIT_STACK,(resource.RLIM_INFINITY,resource.RLIM_INFINITY))\nprint('ok')"),
    ("7 pool","AC",S([""],["[0, 1, 4]"]),"from multiprocessing import Pool\ndef sq(x): return x*x\nif __name__=='__main__':\n    with Pool(2) as p: print(p.map(sq,range(3)))"),
    ("7 thread pool","AC",S([""],["[0, 1, 4]"]),"from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(16) as p: print(list(p.map(lambda x:x*x,range(3))))"),
    ("7 process pool","AC",S([""],["[0, 1, 4]"]),"from concurrent.futures import ProcessPoolExecutor\ndef sq(x): return x*x\nif __name__=='__main__':\n    with ProcessPoolExecutor(2) as p: print(list(p.map(sq,range(3))))"),
    ("7 file","AC",S(["hi"],["hi"]),"open('t.txt','w').write(input())\nprint(open('t.txt').read())"),
    ("7 tempfile","AC",S(["hi"],["hi"]),"import tempfile\nwith tempfile.NamedTemporaryFile('w+') as t:\n    t.write(input()); t.flush(); t.seek(0); print(t.read())"),
    ("7 bigint out","AC",S(["5000"],[long(3**20000)]),"input()\nprint(3**20000)"),
    ("7 deep arguments","AC",C("f",[[deep(80)]],[deep(80)]),F),
    ("7 too deep arguments","BAD",C("f",[[deep(150)]],[1]),F),
    ("7 bigint in","AC",S([long(7**6000)],[long(7**6000+1)]),"print(int(input())+1)"),
    ("7 sqlite","AC",S([""],["1"]),"import sqlite3\nc=sqlite3.connect(':memory:'); print(c.execute('select 1').fetchone()[0])"),
    ("7 asyncio","AC",S([""],["3"]),"import asyncio\nasync def m():\n    await asyncio.sleep(0)\n    print(3)\nasyncio.run(m())"),
    ("7 subprocess echo","AC|RE",S([""],["x"]),"import subprocess\nprint(subprocess.run(['echo','x'],capture_output=True,text=True).stdout,end='')"),
    ("8 names","AC",C("f",[[[3,1,2]]],[[1,2,3]]),"class Solution:\n    def f(self, a: List[int]) -> Optional[List[int]]:\n        h=[]\n        for x in a: heappush(h,x)\n        return [heappop(h) for _ in range(len(a))]"),
    ("8 future","AC",C("f",[[[3,1,2]]],[[1,2,3]]),"from __future__ import annotations\nclass Solution:\n    def f(self, a: List[int]): return sorted(a, key=functools.cmp_to_key(lambda x,y:x-y))"),
    ("8 more names","AC",C("f",[["aab"]],[[["a",2],["b",1]]]),"class Solution:\n    def f(self,s): return sorted(Counter(s).items(), key=itemgetter(1), reverse=True)"),
    ("8 cache inf","AC",C("f",[[10]],[55]),"class Solution:\n    @cache\n    def f(self,n): return min(inf, n if n<2 else self.f(n-1)+self.f(n-2))"),
    ("8 accumulate","AC",C("f",[[[1,2,3]]],[[1,3,6]]),"class Solution:\n    def f(self,a): return list(accumulate(a))"),
    ("8 bisect mod","AC",C("f",[[[1,2,3],2]],[1]),"class Solution:\n    def f(self,a,x): return bisect.bisect_left(a,x)"),
    ("8 bisect_left","AC",C("f",[[[1,2,3],2]],[1]),"class Solution:\n    def f(self,a,x): return bisect_left(a,x)"),
    ("8 sortedlist","AC",C("f",[[[3,1]]],[[1,3]]),"class Solution:\n    def f(self,a): return list(SortedList(a))"),
    ("8 lcb","AC",C("f",["[1,2]\n\"ab\""],["\"abab\""]),"class Solution:\n    def f(self,a,s): return s*len(a)"),
    ("8 sympy","AC|INFRA",S([""],["x"]),"import sympy\nprint(sympy.Symbol('x'))"),
    ("8 pandas missing","INFRA",S([""],["1"]),"import pandas as pd\nprint(1)"),
    ("8 missing other","RE",S([""],["1"]),"import nosuchthing\nprint(1)"),
    ("8 deque defaultdict","AC",C("f",[[3]],[[0,1,2]]),"class Solution:\n    def f(self,n):\n        q=deque(range(n)); d=defaultdict(list)\n        while q: d[0].append(q.popleft())\n        return d[0]"),
    ("8 gcd lcm perm","AC",C("f",[[4,6]],[12]),"class Solution:\n    def f(self,a,b): return a*b//gcd(a,b)"),
    ("8 string mod","AC",C("f",[[2]],["ab"]),"class Solution:\n    def f(self,n): return string.ascii_lowercase[:n]"),
    ("9 float","AC",S([""],["0.333333333"]),"print(1/3)"),
    ("9 float exp","AC",S([""],["1.0e-7"]),"print(1.00000001e-7)"),
    ("9 list lines","AC",S([["1","2"]],[["3"]]),"import sys\nl=sys.stdin.read()\nassert l.endswith('\\n')\nprint(sum(map(int,l.split())))"),
    ("9 cr","AC",S(["a\r\nb\r\n"],["['a\\r\\n', 'b\\r\\n']"]),"import sys\nprint(sys.stdin.readlines())"),
    ("9 cr within","AC",S(["a\r\nb\rc\n"],["['a\\r\\n', 'b\\rc\\n']"]),"import sys\nprint(sys.stdin.readlines())"),
    ("9 no trailing newline","AC",S(["5"],["5"]),"import sys\nprint(sys.stdin.read())"),
    ("9 float long","AC",S([""],["0."+"3"*400]),"print('0.'+'3'*405)"),
    ("9 int not float","WA",S([""],["5"]),"print(5.0)"),
    ("10 ut eq","AC",A(U("    def setUp(self): self.x=3\n    def test_a(self): self.assertEqual(f(self.x),3)\n    def test_b(self): self.assertRaises(ZeroDivisionError, f, 0)"),"f"),"def f(x): return 9//x"),
    ("10 ut subtest","AC",A(U("    def test_a(self):\n        for i in range(3):\n            with self.subTest(i=i): self.assertEqual(f(i), i)"),"f"),F),
    ("10 ut subtest wrong","WA",A(U("    def test_a(self):\n        for i in range(3):\n            with self.subTest(i=i): self.assertEqual(f(i), i)"),"f"),"def f(x): return x if x<2 else 9"),
    ("10 ut setUpClass","AC",A(U("    @classmethod\n    def setUpClass(cls): cls.v=[1,2]\n    def test_a(self): self.assertListEqual(f(self.v),[1,2]); self.assertCountEqual(f([2,1]),[1,2]); self.assertIsNone(g()); self.assertTrue(f(True)); self.assertDictEqual(f({1:2}),{1:2}); self.assertRegex(f('abc'),'b'); self.assertGreater(f(3),2); self.assertIsInstance(f(3),int)"),"f"),F+"\ndef g(): pass"),
    ("10 ut raises regex","AC",A(U("    def test_a(self):\n        with self.assertRaisesRegex(ValueError,'neg'): f(-1)\n        with self.assertRaises(ValueError) as c: f(-1)\n        self.assertIn('negative', str(c.exception))"),"f"),"def f(x):\n    if x<0: raise ValueError('negative value')\n    return x"),
    ("10 ut async","AC",A("import unittest\nclass T(unittest.IsolatedAsyncioTestCase):\n    async def test_a(self): self.assertEqual(await f(2),4)","f"),"import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return 2*x"),
    ("10 pytest fixture","AC",A("import pytest\n@pytest.fixture\ndef stack():\n    s=Stack(); s.push(1)\n    return s\ndef test_pop(stack): assert stack.pop()==1\ndef test_empty(stack):\n    stack.pop()\n    with pytest.raises(IndexError, match='empty'): stack.pop()"),"class Stack:\n    def __init__(self): self.i=[]\n    def push(self,x): self.i.append(x)\n    def pop(self):\n        if not self.i: raise IndexError('stack is empty')\n        return self.i.pop()"),
    ("10 pytest class","AC",A("import pytest\nclass TestF:\n    def setup_method(self): self.k=2\n    @pytest.mark.parametrize('a,b',[(1,2),(2,4)])\n    def test_it(self,a,b): assert f(a)*1==b\n    def test_two(self): assert f(self.k)==4","f"),"def f(x): return 2*x"),
    ("10 pytest yield fixture","AC",A("import pytest\n@pytest.fixture\ndef v():\n    yield 3\ndef test_a(v): assert f(v)==3","f"),F),
    ("10 pytest approx list","AC",A("from pytest import approx\ndef test_a(): assert f([.1+.2,1]) == approx([.3,1])\ndef test_b(): assert f({'a':.1+.2}) == approx({'a':.3})","f"),F),
    ("10 pytest mark skip","AC",A("import pytest\n@pytest.mark.skip\ndef test_a(): assert f(1)==2\ndef test_b(): assert f(1)==1","f"),F),
    ("10 pytest async","AC",A("import pytest\n@pytest.mark.asyncio\nasync def test_a(): assert await f(1)==1","f"),"async def f(x): return x"),
    ("10 own exc","AC",A("try:\n    withdraw(5)\n    assert False, 'no'\nexcept InsufficientFunds as e:\n    assert e.needed==5 and str(e)=='need 5' and isinstance(e, ValueError)","withdraw"),"class InsufficientFunds(ValueError):\n    def __init__(self,n):\n        self.needed=n\n        super().__init__(f'need {n}')\ndef withdraw(n): raise InsufficientFunds(n)"),
    ("10 exc chain","BAD",A("try: f()\nexcept ValueError as e: assert isinstance(e.__cause__, KeyError)\nelse: assert False","f"),"def f():\n    try: {}[1]\n    except KeyError as k: raise ValueError('x') from k"),
    ("10 dataclass","AC",A("p=make(1,2)\nassert p==P(1,2) and p.x==1 and p!=P(2,2)","make"),"from dataclasses import dataclass\n@dataclass\nclass P:\n    x:int\n    y:int\ndef make(a,b): return P(a,b)"),
    ("10 dataclass frozen order","AC",A("assert sorted([P(2),P(1)])==[P(1),P(2)] and {P(1):3}[P(1)]==3","P"),"from dataclasses import dataclass\n@dataclass(frozen=True,order=True)\nclass P:\n    x:int"),
    ("10 dc asdict","BAD",A("from dataclasses import asdict\nassert asdict(make(1)) == {'x':1}","make"),"from dataclasses import dataclass\n@dataclass\nclass P:\n    x:int\ndef make(a): return P(a)"),
    ("10 dc list","AC",A("assert [p.x for p in make(3)]==[0,1,2] and make(2)==[P(0),P(1)]","make"),"from dataclasses import dataclass\n@dataclass\nclass P:\n    x:int\ndef make(n): return [P(i) for i in range(n)]"),
    ("10 gen","AC",A("g=f(3)\nassert next(g)==0 and list(g)==[1,2]\ntry:\n    next(g); assert False\nexcept StopIteration: pass","f"),"def f(n): yield from range(n)"),
    ("10 gen send","AC",A("g=avg()\nnext(g)\nassert g.send(4)==4 and g.send(6)==5","avg"),"def avg():\n    s=n=0; r=None\n    while True:\n        x=yield r\n        s+=x; n+=1; r=s/n"),
    ("10 gen in","AC",A("assert f(x*x for x in range(4))==14\nassert f(iter([1,2]))==3","f"),"def f(it): return sum(it)"),
    ("10 lazy gen","AC",A("import itertools\nassert list(itertools.islice(f(itertools.count()),3))==[0,2,4]","f"),"def f(it):\n    for x in it: yield 2*x"),
    ("10 datetime","AC",A("from datetime import date, timedelta, datetime\nassert f(date(2020,1,31)) == date(2020,2,1)\nassert f(datetime(2020,1,1,5)) - datetime(2020,1,1,5) == timedelta(days=1)","f"),"from datetime import timedelta\ndef f(d): return d+timedelta(days=1)"),
    ("10 datetime tz","AC",A("from datetime import datetime, timezone\nassert f(0) == datetime(1970,1,1,tzinfo=timezone.utc)","f"),"from datetime import datetime, timezone\ndef f(t): return datetime.fromtimestamp(t, timezone.utc)"),
    ("10 numpy","AC",A("import numpy as np\nassert np.allclose(f(np.eye(2)), 2*np.eye(2)) and f(np.arange(3)).shape==(3,)\nnp.testing.assert_array_equal(f(np.array([1,2])), np.array([2,4]))","f"),"import numpy as np\ndef f(a): return np.multiply(a,2)"),
    ("10 numpy scalar","AC",A("assert f([1,2,3])==2.0","f"),"import numpy as np\ndef f(a): return np.mean(a)"),
    ("10 StringIO out","AC",A("import io, contextlib\nb=io.StringIO()\nwith contextlib.redirect_stdout(b): f(3)\nassert b.getvalue()=='3\\n'","f"),"def f(x): print(x)"),
    ("10 StringIO arg","AC",A("import io\nb=io.StringIO('a\\nb\\n')\nassert f(b)==2\no=io.StringIO()\ng(o)\nassert o.getvalue()=='hi'","f"),"def f(fh): return len(fh.readlines())\ndef g(fh): fh.write('hi')"),
    ("10 StringIO iter","AC",A("import io\nassert f(io.StringIO('a\\nb\\n'))==['a','b']","f"),"def f(fh): return [l.strip() for l in fh]"),
    ("10 sys.stdout","AC",A("import sys, io\nold=sys.stdout\nsys.stdout=io.StringIO()\nf(2)\nout=sys.stdout.getvalue()\nsys.stdout=old\nassert out=='2\\n'","f"),"def f(x): print(x)"),
    ("10 mock patch print","BAD",A("from unittest.mock import patch\ndef test_a():\n    with patch('builtins.print') as p:\n        f(1)\n        p.assert_called_with(1)","f"),"def f(x): print(x)"),
    ("10 mock arg","AC",A("from unittest.mock import Mock\nm=Mock(return_value=4)\nassert f(m)==4\nm.assert_called_once_with(2)","f"),"def f(g): return g(2)"),
    ("10 mock method","AC",A("from unittest.mock import Mock\nm=Mock()\nm.get.return_value=4\nassert f(m)==5\nm.get.assert_called_once_with('k')","f"),"def f(db): return db.get('k')+1"),
    ("10 patch input","BAD",A("from unittest.mock import patch\ndef test_a():\n    with patch('builtins.input', return_value='3'): assert f()==3","f"),"def f(): return int(input())"),
    ("10 repr","AC",A("assert repr(V(1,2))=='V(1, 2)' and str(V(1,2))=='<1,2>' and f'{V(1,2)}'=='<1,2>'","V"),"class V:\n    def __init__(s,a,b): s.a,s.b=a,b\n    def __repr__(s): return f'V({s.a}, {s.b})'\n    def __str__(s): return f'<{s.a},{s.b}>'"),
    ("10 ctx","AC",A("with Res() as r:\n    assert r.open\nassert not r.open","Res"),"class Res:\n    open=False\n    def __enter__(s):\n        s.open=True\n        return s\n    def __exit__(s,*a): s.open=False"),
    ("10 ctx swallow","AC",A("with Suppress(KeyError):\n    {}[1]\nassert True and Suppress(KeyError)","Suppress"),"class Suppress:\n    def __init__(s,*k): s.k=k\n    def __enter__(s): return s\n    def __exit__(s,t,v,tb): return t is not None and issubclass(t,s.k)"),
    ("10 contextmanager","AC",A("log=[]\nwith tag('a') as t:\n    assert t=='<a>'","tag"),"from contextlib import contextmanager\n@contextmanager\ndef tag(x): yield f'<{x}>'"),
    ("10 slices","AC",A("m=M([1,2,3])\nassert m[1]==2 and m[0:2]==[1,2] and m[::-1]==[3,2,1]\nm[0]=9\nassert m[0]==9\ndel m[0]\nassert len(m)==2 and 9 not in m and 2 in m","M"),"class M:\n    def __init__(s,a): s.a=a\n    def __getitem__(s,i): return s.a[i]\n    def __setitem__(s,i,v): s.a[i]=v\n    def __delitem__(s,i): del s.a[i]\n    def __len__(s): return len(s.a)"),
    ("10 identity","AC",A("assert Single() is Single()\nassert f(None) is None","f"),"class Single:\n    o=None\n    def __new__(c):\n        if c.o is None: c.o=object.__new__(c)\n        return c.o\ndef f(x): return x"),
    ("10 operators","AC",A("assert V(1)+V(2)==V(3) and V(1)<V(2) and -V(1)==V(-1) and V(2)*3==V(6) and 3*V(2)==V(6)","V"),"class V:\n    def __init__(s,x): s.x=x\n    def __add__(s,o): return V(s.x+o.x)\n    def __lt__(s,o): return s.x<o.x\n    def __neg__(s): return V(-s.x)\n    def __mul__(s,k): return V(s.x*k)\n    __rmul__=__mul__\n    def __eq__(s,o): return s.x==o.x"),
    ("10 iadd","AC",A("v=V(1)\nv+=V(2)\nassert v.x==3","V"),"class V:\n    def __init__(s,x): s.x=x\n    def __iadd__(s,o):\n        s.x+=o.x\n        return s"),
    ("10 abs round hash","AC",A("v=V(-1.6)\nassert abs(v)==1.6 and round(v)==-2 and int(v)==-1 and hash(v)==hash(V(-1.6)) and bool(v)","V"),"class V:\n    def __init__(s,x): s.x=x\n    def __abs__(s): return abs(s.x)\n    def __round__(s): return round(s.x)\n    def __int__(s): return int(s.x)\n    def __hash__(s): return hash(s.x)\n    def __bool__(s): return True\n    def __eq__(s,o): return s.x==o.x"),
    ("10 float conv","AC",A("assert float(V(2)) == 2.0","V"),"class V:\n    def __init__(s,x): s.x=x\n    def __float__(s): return float(s.x)"),
    ("10 property setter","AC",A("t=T()\nt.c=100\nassert t.f==212\ntry:\n    t.c=-300\n    assert False\nexcept ValueError: pass","T"),"class T:\n    @property\n    def c(s): return s._c\n    @c.setter\n    def c(s,v):\n        if v<-273: raise ValueError('cold')\n        s._c=v\n    @property\n    def f(s): return s._c*9/5+32"),
    ("10 hasattr","AC",A("o=O()\nassert hasattr(o,'a') and not hasattr(o,'b') and getattr(o,'b',5)==5\nsetattr(o,'b',1)\nassert o.b==1","O"),"class O:\n    a=1"),
    ("10 callable","AC",A("assert callable(make()) and make()(2)==4","make"),"def make(): return lambda x:2*x"),
    ("10 isinstance abc","AC",A("assert isinstance(f(), dict) and isinstance(f2(), (list,tuple)) and type(f()) is dict and type(f2()) == list","f"),"def f(): return {}\ndef f2(): return []"),
    ("10 linked list","AC",A("h=build([1,2,3])\nout=[]\nwhile h:\n    out.append(h.val); h=h.next\nassert out==[1,2,3]","build"),"class Node:\n    def __init__(s,v,n=None): s.val,s.next=v,n\ndef build(a):\n    h=None\n    for x in reversed(a): h=Node(x,h)\n    return h"),
    ("10 tests class in","AC",A("class N:\n    def __init__(s,v,n=None): s.val,s.next=v,n\nassert total(N(1,N(2)))==3","total"),"def total(n): return 0 if n is None else n.val+total(n.next)"),
    ("10 abstract","AC",A("try:\n    Shape()\n    assert False\nexcept TypeError: pass\nassert issubclass(Sq, Shape) and isinstance(Sq(), Shape)","Shape"),"from abc import ABC, abstractmethod\nclass Shape(ABC):\n    @abstractmethod\n    def a(s): ...\nclass Sq(Shape):\n    def a(s): return 1"),
    ("10 staticmethod","AC",A("assert C.make(1).x==1 and C.add(1,2)==3 and C.count==1","C"),"class C:\n    count=0\n    def __init__(s,x):\n        s.x=x; C.count+=1\n    @classmethod\n    def make(c,x): return c(x)\n    @staticmethod\n    def add(a,b): return a+b"),
    ("10 copy mutate","AC",A("a=[1,[2]]\nb=f(a)\nb[1].append(3)\nassert a==[1,[2]]","f"),"import copy\ndef f(x): return copy.deepcopy(x)"),
    ("10 shallow alias","AC",A("a=[1,[2]]\nb=f(a)\nb[1].append(3)\nassert a==[1,[2,3]]","f"),"def f(x): return x[:]"),
    ("10 warnings","BAD",A("import warnings\nwith warnings.catch_warnings(record=True) as w:\n    warnings.simplefilter('always')\n    f()\nassert len(w)==1","f"),"import warnings\ndef f(): warnings.warn('x')"),
    ("10 logging","BAD",A("import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        with self.assertLogs('x') as c: f()\n        self.assertIn('hello', c.output[0])","f"),"import logging\ndef f(): logging.getLogger('x').warning('hello')"),
    ("10 os.environ","BAD",A("import os\nos.environ['K']='v'\nassert f()=='v'","f"),"import os\ndef f(): return os.environ['K']"),
    ("10 tmp file","BAD",A("with open('in.txt','w') as h: h.write('abc')\nassert f('in.txt')==3","f"),"def f(p): return len(open(p).read())"),
    ("10 random seed","AC",A("import random\nrandom.seed(1)\na=f()\nrandom.seed(1)\nassert a==f()","f"),"import random\ndef f(): return random.random()"),
    ("10 patch module","BAD",A("from unittest.mock import patch\nwith patch('solution.helper', return_value=3):\n    assert f()==3","f"),"def helper(): return 1\ndef f(): return helper()"),
    ("10 mutate global","BAD",A("LIMIT_LIST.append(5)\nassert f()==[1,5]","f"),"LIMIT_LIST=[1]\ndef f(): return LIMIT_LIST"),
    ("10 inspect sig","BAD",A("import inspect\nassert list(inspect.signature(f).parameters)==['a','b']","f"),"def f(a,b): return 1"),
    ("10 thread in tests","AC",A("import threading\nr=[]\nts=[threading.Thread(target=lambda i=i: r.append(f(i))) for i in range(3)]\n[t.start() for t in ts]\n[t.join() for t in ts]\nassert sorted(r)==[0,1,2]","f"),F),
    ("10 async gather","AC",A("import asyncio\nasync def main(): return await asyncio.gather(f(1),f(2))\nassert asyncio.run(main())==[1,2]","f"),"async def f(x): return x"),
    ("10 async iter","AC",A("import asyncio\nasync def main(): return [x async for x in f(3)]\nassert asyncio.run(main())==[0,1,2]","f"),"async def f(n):\n    for i in range(n): yield i"),
    ("10 async ctx","AC",A("import asyncio\nasync def main():\n    async with C() as c: return c.x\nassert asyncio.run(main())==1","C"),"class C:\n    x=1\n    async def __aenter__(s): return s\n    async def __aexit__(s,*a): pass"),
    ("10 dict views","AC",A("assert list(f({'a':1}))==['a'] and f({'a':1}) == {'a'}","f"),"def f(d): return d.keys()"),
    ("10 map obj","AC",A("assert list(f([1]))==[2]","f"),"def f(a): return map(lambda x:x+1,a)"),
    ("10 bytes","AC",A("assert f('a')==b'a' and f('é').hex()=='c3a9'","f"),"def f(s): return s.encode()"),
    ("10 decimal ctx","AC",A("from decimal import Decimal\nassert f('0.1')==Decimal('0.1')+Decimal('0.2')","f"),"from decimal import Decimal\ndef f(s): return Decimal(s)+Decimal('0.2')"),
    ("10 path","AC",A("from pathlib import Path\nassert f(Path('/a/b.txt'))=='.txt' and g()==Path('/x')","f"),"from pathlib import Path\ndef f(p): return p.suffix\ndef g(): return Path('/x')"),
    ("10 uuid","AC",A("import uuid\nassert f(uuid.UUID(int=5))==5","f"),"def f(u): return u.int"),
    ("10 re match","AC",A("m=f('ab12')\nassert m.group(0)=='12' and m.start()==2","f"),"import re\ndef f(s): return re.search(r'\\d+',s)"),
    ("10 nested fn tests","AC",A("def run():\n    for i in range(5):\n        yield f(i)\nassert list(run())==[0,1,2,3,4]","f"),F),
    ("10 walrus","AC",A("assert (y:=f(3))==3 and y==3","f"),F),
    ("10 match","AC",A("match f(3):\n    case 3: ok=True\n    case _: ok=False\nassert ok","f"),F),
    ("10 message calls","AC",A("assert f(1)==1, f'got {f(1)}'","f"),F),
    ("10 try import","AC",A("try:\n    from solution import f\nexcept ImportError:\n    pass\nassert f(1)==1"),F),
    ("10 import star","AC",A("from solution import *\nassert f(1)==1"),F),
    ("10 import module","AC",A("import solution\nassert solution.f(1)==1"),F),
    ("10 from as","AC",A("from solution import f as g\nassert g(1)==1"),F),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "tests", "source"), [one[1:] for one in KINDS], ids=[one[0] for one in KINDS])
def test_a_kind_gets_its_verdict(grading: Grading, wanted: str, tests: dict[str, Any], source: str) -> None:
    if wanted == "BAD":
        with pytest.raises(BadTests):
            program_of({**tests, "program": source})
        return
    graded = grading.grade(program_of({**tests, "program": source}))
    assert str(graded.verdict) in wanted.split("|"), graded.detail
