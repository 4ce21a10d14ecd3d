# frozen_string_literal: true

# A subject of forkbench: Ruby, and its core's own ways to start a child. It speaks the protocol of docs/PROTOCOL.md, and
# needs Ruby 3.0 or later; Fiddle, of the standard library, only where the parent holds memory.
#
# The garbage collector has run before the iterations of an order, and is off meanwhile.

PAGE = 4096
HUGE = 2 << 20
# Of linux/fcntl.h; not every Ruby's Fcntl has it.
DUPFD_CLOEXEC = 1030
LONGEST_LINE = 65_536
MOST_ITERATIONS = 1 << 22

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
end

# This host, or this interpreter, can't do what was ordered.
class Skip < StandardError; end

# --- The wire ---------------------------------------------------------------------------------------------------------

# Lines in, lines out, on descriptors that no child can touch.
class Wire
  def initialize
    @input = IO.for_fd($stdin.fcntl(DUPFD_CLOEXEC, 10), 'r')
    @output = IO.for_fd($stdout.fcntl(DUPFD_CLOEXEC, 10), 'w')
    @output.sync = true
    $stdin.reopen('/dev/null', 'r')
    [$stdout, $stderr].each { |standard| standard.reopen('/dev/null', 'w') }
  end

  # The next line without its end; nil when there are no more.
  def receive
    line = @input.gets("\n", LONGEST_LINE + 1)
    exit!(1) if line && line.bytesize > LONGEST_LINE
    line&.chomp
  end

  def send_lines(lines)
    @output.write(lines.map { |line| "#{line.tr("\n", ' ')}\n" }.join)
  end
end

def decoded(value)
  marks = { '%20' => ' ', '%25' => '%', '%2C' => ',', '%0A' => "\n", '%0D' => "\r" }
  value.gsub(/%(?:20|25|2C|0A|0D)/, marks)
end

# --- The footprint ----------------------------------------------------------------------------------------------------

# Memory that was mapped, advised and filled as the native subject does it, through Fiddle.
class Ballast
  MMAP_FAILED = -1 & ((1 << 64) - 1)
  PROT = 3
  THP_DISABLE = 41
  THP_DISABLED = 42
  PRIVATE_ANONYMOUS = 0x22
  ADVICE = { dontfork: 10, hugepage: 14, nohugepage: 15, dontdump: 16, cold: 20, populate: 23, collapse: 25 }.freeze

  attr_reader :size, :start, :took

  def initialize(asked)
    require 'fiddle'
    word, int = Fiddle::TYPE_SIZE_T, Fiddle::TYPE_INT
    c = ->(name, takes, gives) { Fiddle::Function.new(Fiddle::Handle::DEFAULT[name], takes, gives) }
    @mmap = c.call('mmap', [word, word, int, int, int, Fiddle::TYPE_LONG], word)
    @munmap = c.call('munmap', [word, word], int)
    @madvise = c.call('madvise', [word, word, int], int)
    @prctl = c.call('prctl', [int, word, word, word, word], int)
    @huge = asked['page'] == 'thp'
    @size = asked['bytes'].to_i
    begin_ = now
    map
    # Ruby forbids itself huge pages, so that its children share more. They are allowed for while it fills.
    forbidden = @prctl.call(THP_DISABLED, 0, 0, 0, 0) == 1
    @prctl.call(THP_DISABLE, 0, 0, 0, 0)
    fill(asked)
    @prctl.call(THP_DISABLE, 1, 0, 0, 0) if forbidden
    advise(:dontfork) if asked['mapping'] == 'dontfork'
    @took = now - begin_
  rescue LoadError
    raise Skip, 'memory is held through Fiddle, which this Ruby lacks: install it, or measure the bare parent'
  end

  # Writes one byte to every page. Not zero: pages of nothing but zeros become the zero page.
  def write_every(length = @size, step = @huge ? HUGE : PAGE)
    (0...length).step(step) { |offset| @memory[offset] = 1 }
  end

  def release
    @munmap.call(@start, @size)
  end

  private

  def map
    length = (@size + HUGE - 1) / HUGE * HUGE
    base = @mmap.call(0, length + HUGE, PROT, PRIVATE_ANONYMOUS, -1, 0)
    base &= (1 << 64) - 1
    raise Skip, "the kernel refused #{@size} bytes: ask for less with --max-footprint" if base == MMAP_FAILED

    @start = (base + HUGE - 1) / HUGE * HUGE
    @munmap.call(base, @start - base) if @start > base
    @munmap.call(@start + length, base + HUGE - @start) if base + HUGE > @start
    @memory = Fiddle::Pointer.new(@start, length)
    @length = length
  end

  def advise(what, offset = 0, length = @length)
    @madvise.call(@start + offset, length, ADVICE.fetch(what)).zero?
  end

  def fill(asked)
    # Keeps its VMA apart from its neighbours', by a flag that fork does not look at.
    advise(:dontdump)
    if asked['touch'] == 'untouched'
      advise(@huge ? :hugepage : :nohugepage)
    elsif @huge
      raise Skip, 'needs transparent huge pages, which this kernel lacks' unless advise(:hugepage)

      write_every unless advise(:populate)
      advise(:collapse)
    elsif !split_huge_pages
      advise(:nohugepage)
      write_every
    end
    return if @length == @size

    @munmap.call(@start + @size, @length - @size)
    @length = @size
  end

  # Filled as huge pages, which are then split for good: neighbours lie side by side in memory.
  def split_huge_pages
    return false unless advise(:hugepage)

    advise(:populate)
    write_every(@length, PAGE)
    # Where the allocator had no huge page at hand.
    advise(:collapse) if smaps(@start).fetch('AnonHugePages', 0) < @length
    return false if smaps(@start).fetch('AnonHugePages', 0) < @length / 10 * 9

    2.times { (0...@length).step(HUGE) { |offset| advise(:cold, offset, PAGE) } }
    advise(:nohugepage)
  end
end

# What smaps says of the VMA that begins there: bytes by name, and its flags.
def smaps(start)
  entry = nil
  File.foreach('/proc/self/smaps') do |line|
    if line.match?(/\A[0-9a-f]+-/)
      return entry if entry

      entry = {} if line.to_i(16) == start
    elsif entry
      name, rest = line.split(':', 2)
      entry[name] = name == 'VmFlags' ? rest.strip : rest.to_i * 1024
    end
  end
  entry || {}
rescue SystemCallError
  {}
end

# How near to each other in physical memory the pages of a ballast lie, from pagemap.
def layout(ballast)
  present = pairs = before = 0
  within = { 'adjacency' => 0, 'within_8' => 0, 'nearness' => 0, 'within_512' => 0 }
  File.open('/proc/self/pagemap', 'rb') do |file|
    file.seek(ballast.start / PAGE * 8)
    file.read(ballast.size / PAGE * 8).unpack('Q*').each do |entry|
      there = entry >> 63 == 1
      # 0 where the page is not there, or its frame is kept back.
      frame = there ? entry & ((1 << 55) - 1) : 0
      present += PAGE if there
      if before.positive? && frame.positive?
        pairs += 1
        distance = frame - before
        within['adjacency'] += 1 if distance == 1
        distance = distance.abs
        within['within_8'] += 1 if distance <= 8
        within['nearness'] += 1 if distance <= 64
        within['within_512'] += 1 if distance <= 512
      end
      before = frame
    end
  end
  answer = { 'present' => present }
  within.each { |key, count| answer[key] = count.to_f / pairs } if pairs.positive?
  answer
rescue SystemCallError
  {}
end

# A footprint that is held.
class Footprint
  TAKEN = {
    'page' => %w[4k thp], 'mapping' => %w[private dontfork], 'touch' => %w[written untouched], 'order' => %w[sequential],
    'state' => %w[hot rewritten], 'vmas' => %w[0], 'busy' => %w[0]
  }.freeze

  def initialize(asked)
    TAKEN.each do |axis, values|
      next if values.include?(asked[axis])

      raise Skip, "#{axis}=#{asked[axis]}: this subject holds #{axis}=#{values.join(' or ')}; measure it in another"
    end
    @asked = asked
    @ballast = Ballast.new(asked) if asked['bytes'].to_i.positive?
    @before = descriptors
    @files = Array.new(asked['fds'].to_i) { File.open('/dev/null') }
    @threads = Array.new(asked['threads'].to_i) { Thread.new { sleep } }
    Thread.pass until @threads.all? { |thread| thread.status == 'sleep' }
  end

  def rewrite
    @ballast&.write_every if @asked['state'] == 'rewritten'
  end

  def release
    @threads.each(&:kill).each(&:join)
    @files.each(&:close)
    @ballast&.release
  end

  def receipt
    answer = { 'pid' => Process.pid, 'image' => 'dynamic', 'ballast' => 0, 'busy' => 0, 'vmas_added' => 0 }
    status = File.readlines('/proc/self/status').to_h { |line| line.split(':', 2) }
    answer['process_rss'] = status['VmRSS'].to_i * 1024
    answer['page_tables'] = status['VmPTE'].to_i * 1024
    answer['vmas'] = File.readlines('/proc/self/maps').count { |line| !line.end_with?("[vsyscall]\n") }
    answer['fds'] = descriptors
    answer['fds_added'] = answer['fds'] - @before
    unverified = threads_into(answer, status['Threads'].to_i)
    ballast_into(answer, unverified)
    answer['unverified'] = unverified.join(',') unless unverified.empty?
    "receipt #{answer.map { |key, value| "#{key}=#{value}" }.join(' ')}"
  end

  private

  def descriptors
    # Listing them takes one.
    Dir.children('/proc/self/fd').size - 1
  end

  # Ruby has a thread of its own for timers once it has others. It is no part of the footprint.
  def threads_into(answer, threads)
    return ['threads'] if threads != 1 + @threads.size

    answer['threads'] = threads
    []
  end

  def ballast_into(answer, unverified)
    if @ballast.nil?
      %w[rss thp hugetlb present].each { |key| answer[key] = 0 }
      return
    end
    entry = smaps(@ballast.start)
    answer['ballast'] = entry.fetch('Size', @ballast.size)
    answer['fill'] = @ballast.took
    if entry.key?('Rss')
      answer.update('rss' => entry['Rss'], 'thp' => entry.fetch('AnonHugePages', 0), 'hugetlb' => 0)
      answer['vm_flags'] = entry['VmFlags'].tr(' ', ',') if entry['VmFlags']
    end
    found = @asked['touch'] == 'untouched' ? layout(@ballast).slice('present') : layout(@ballast)
    answer.update(found)
    { 'rss' => 'rss', 'flags' => 'vm_flags', 'present' => 'present' }.each do |name, key|
      unverified << name unless answer.key?(key)
    end
    ordered = @asked['touch'] == 'written' && @asked['page'] == '4k' && @ballast.size > PAGE
    unverified << 'order' if ordered && !answer.key?('adjacency')
  end
end

# --- Mechanisms -------------------------------------------------------------------------------------------------------

# Ways to start a child. Each returns call, start, exec and reap; 0 for those that an iteration lacks.
class Mechanisms
  NAMES = {
    'Process.fork' => :process_fork, 'Process.spawn' => :process_spawn, 'Kernel.system' => :kernel_system,
    'IO.popen' => :io_popen, 'Thread' => :thread
  }.freeze

  def initialize(image)
    @image = image
    @reader, @writer = IO.pipe
    @fd = @writer.fileno
  end

  def close
    @reader.close
    @writer.close
  end

  def process_fork(number, stamped)
    status = 1 + number % 125
    writer = @writer
    t0 = now
    child = Process.fork
    unless child
      writer.syswrite([now].pack('Q')) if stamped
      exit!(status)
    end
    call = now - t0
    _, ended = Process.wait2(child)
    reap = now - t0
    verify(ended, child, status)
    [call, stamped ? told(8) - t0 : 0, 0, reap]
  end

  def process_spawn(number, stamped)
    words, status, options = command(number, stamped)
    t0 = now
    child = Process.spawn(*words, options)
    call = now - t0
    _, ended = Process.wait2(child)
    reap = now - t0
    verify(ended, child, status)
    [call, 0, executed(stamped, t0), reap]
  end

  # The call waits for the child.
  def kernel_system(number, stamped)
    words, status, options = command(number, stamped)
    t0 = now
    Kernel.system(*words, options)
    reap = now - t0
    verify($?, $?.pid, status)
    [reap, 0, executed(stamped, t0), reap]
  end

  # With a pipe for what the child prints; closing it waits for the child.
  def io_popen(number, stamped)
    words, status, options = command(number, stamped)
    t0 = now
    pipe = IO.popen(words, options)
    call = now - t0
    child = pipe.pid
    pipe.close
    reap = now - t0
    verify($?, child, status)
    [call, 0, executed(stamped, t0), reap]
  end

  def thread(number, stamped)
    began = 0
    t0 = now
    child = Thread.new do
      began = now
      number + 1
    end
    call = now - t0
    value = child.value
    reap = now - t0
    raise "the thread of iteration #{number} should have run once, and ended" if value != number + 1 || child.alive?

    [call, stamped ? began - t0 : 0, 0, reap]
  end

  private

  # What is executed in an iteration, the status it must end with, and what it inherits.
  def command(number, stamped)
    raise 'no image to execute was named' if @image.nil?
    # Of a name and itself, lest a shell is asked.
    return [[[@image[1], @image[1]], *@image[2..]], 0, {}] if @image[0] == 'foreign'

    status = 1 + number % 125
    words = [[@image[1], @image[1]], status.to_s]
    stamped ? [words << @fd.to_s, status, { @fd => @fd }] : [words, status, {}]
  end

  def executed(stamped, begun)
    stamped && @image[0] == 'own' ? told(16) - begun : 0
  end

  def told(bytes)
    @reader.readpartial(bytes).unpack1('Q')
  end

  def verify(ended, child, status)
    return if ended.pid == child && ended.exited? && ended.exitstatus == status

    raise "#{child} should have exited with #{status}; #{ended.pid} ended with #{ended.exitstatus || ended.termsig}"
  end
end

# --- Iterations -------------------------------------------------------------------------------------------------------

# Whether that iteration is stamped, with so many of them spread evenly among all.
def stamped?(index, plain, stamped)
  total = plain + stamped
  (index + 1) * stamped / total > index * stamped / total
end

# The longest step of the clock, watched for a millisecond.
def largest_gap
  gap = 0
  before = now
  ending = before + 1_000_000
  while before < ending
    after = now
    gap = [gap, after - before].max
    before = after
  end
  gap
end

# Obeys orders.
class Subject
  def initialize(wire)
    @wire = wire
    @next = 0
    @done_first = false
  end

  def obey(word, rest)
    pairs = rest.select { |pair| pair.include?('=') }.to_h { |pair| pair.split('=', 2) }
    case word
    when 'cpu' then pin(rest[0])
    when 'exec' then @image = rest.map { |part| decoded(part) }
    when 'hold' then return hold(pairs)
    when 'time' then return time(pairs['mechanism'], *%w[plain stamped warmup].map { |key| pairs.fetch(key, '0').to_i })
    when 'life' then raise 'this subject tells no lives'
    else raise "`#{word}` is no order"
    end
    nil
  end

  def leave
    @footprint&.release
  end

  private

  # Ruby can't ask for that itself.
  def pin(cpu)
    return if Kernel.system('taskset', '--all-tasks', '--pid', '--cpu-list', cpu, Process.pid.to_s)

    raise Skip, 'Ruby is pinned with `taskset`, of util-linux, which is not there: install it, or measure @free cells'
  end

  def hold(asked)
    @footprint&.release
    @footprint = nil
    @footprint = Footprint.new(asked)
    @footprint.receipt
  end

  def time(name, plain, stamped, warmup)
    names = Mechanisms::NAMES
    raise "`#{name}` is no mechanism of this subject; there are: #{names.keys.join(' ')}" unless names.key?(name)
    if plain + stamped > MOST_ITERATIONS || warmup > MOST_ITERATIONS
      raise "#{plain + stamped} iterations are too many for one order; #{MOST_ITERATIONS} is the most"
    end

    mechanisms = Mechanisms.new(@image)
    way = mechanisms.method(names[name])
    GC.start
    GC.disable
    measure(way, plain, stamped, warmup)
  ensure
    GC.enable
    mechanisms&.close
  end

  def iterate(way, stamped)
    @footprint&.rewrite
    @next += 1
    way.call(@next - 1, stamped)
  end

  def measure(way, plain, stamped, warmup)
    unless @done_first
      call, _, _, reap = iterate(way, false)
      @done_first = true
      @wire.send_lines(["first call=#{call} reap=#{reap}"])
    end
    warmup.times { iterate(way, false) }
    total = plain + stamped
    # Made beforehand; fork copies it with the rest of the heap.
    rows = Array.new(total)
    timed = 0
    gap = largest_gap
    begun = now
    total.times do |index|
      row = iterate(way, stamped?(index, plain, stamped))
      timed += [row[0], row[3]].max
      rows[index] = row
    end
    wall = now - begun
    @wire.send_lines(rows.each_with_index.map { |row, index| sample(row, stamped?(index, plain, stamped)) })
    "done iterations=#{total} wall=#{wall} timed=#{timed} gap=#{gap}"
  end

  def sample(row, stamped)
    call, start, executed, reap = row
    told = []
    told << "start=#{start}" if start.positive?
    told << "exec=#{executed}" if executed.positive?
    stamped && told.any? ? "sample #{told.join(' ')}" : "sample call=#{call} reap=#{reap}"
  end
end

def serve
  trap('CHLD', 'DEFAULT')
  wire = Wire.new
  wire.send_lines(["subject protocol=1 pid=#{Process.pid}"])
  subject = Subject.new(wire)
  greeted = false
  while (line = wire.receive)
    word, *rest = line.split(' ')
    next if word.nil? || word.start_with?('#')
    break if word == 'end'

    if word == 'forkbench' && rest == ['1']
      greeted = true
      next
    end
    unless greeted
      wire.send_lines(['fail the first line must be `forkbench 1`: this subject speaks protocol 1'])
      break
    end
    begin
      answer = subject.obey(word, rest)
    rescue Skip => e
      answer = "skip #{e.message}"
    rescue StandardError => e
      answer = "fail #{e.message}"
    end
    wire.send_lines([answer]) if answer
  end
  subject.leave
end

serve
