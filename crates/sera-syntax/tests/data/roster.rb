require 'set'

module Club
  LIMIT = 30
  MINIMUM = 3

  # Keeps who takes part, and since when.
  class Roster
    attr_reader :name, :members

    def initialize(name, limit = LIMIT)
      @name = name.strip
      @limit = limit
      @members = []
      @waiting = []
    end

    # Adds someone, or puts them on the list of those who wait.
    def add(person, guest: false)
      return false if person.nil? || person.empty?

      key = person.strip.downcase
      if @members.include?(key)
        return false
      end
      if @members.size >= @limit && !guest
        @waiting << key
        return nil
      end
      @members.push(key)
      @members.sort!
      true
    end

    def remove(person)
      key = person.strip.downcase
      unless @members.delete(key)
        @waiting.delete(key)
        return false
      end
      following = @waiting.shift
      @members.push(following) if following
      true
    end

    def count(prefix, most = 10)
      found = 0
      @members.each do |member|
        next if member.size < MINIMUM
        break if found == most

        found += 1 if member.start_with?(prefix)
      end
      found
    end

    def average(ages)
      known = ages.compact
      return 0.0 if known.empty?

      sum = known.sum
      (sum / known.size.to_f).round(1)
    end

    def parse(line, separator = ';')
      name, age, city = line.split(separator)
      { name: name.strip, age: Integer(age), city: city || 'unknown' }
    rescue ArgumentError
      warn "not a line: #{line}"
      nil
    end

    def label(level)
      case level
      when 0 then name
      when 1
        "#{name}/#{@members.size}"
      else
        parts = [name, @members.size.to_s, @waiting.size.to_s]
        parts.join('/')
      end
    end

    def oldest(people, fallback: nil)
      best = fallback
      people.each do |person|
        age = person[:age] || 0
        if best.nil? || age > best[:age]
          best = person
        end
      end
      best&.fetch(:name)
    end

    def save(path, mode: 'w')
      kept = @members.dup
      file = File.open(path, mode)
      file.write(kept.join("\n"))
      if kept.size > LIMIT
        @saved = false
      else
        @saved = true
      end
      kept
    ensure
      file.close
    end

    def page(number, size)
      first = number * size
      last = first + size - 1
      @members[first..last] || []
    end
  end

  # A roster that counts who asks.
  class Counted < Roster
    def initialize(name, start: 0, step: 1)
      super(name)
      @asked = start
      @step = step
    end

    def ask(person)
      key = person.strip
      @asked += @step
      return key if @asked > 9

      add(person, guest: true)
    end
  end
end
